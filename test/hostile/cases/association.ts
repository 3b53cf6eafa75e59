/** A-ASSOCIATE-RQ: its items, contexts and titles (PS3.8 9.3.2). */
import {
  associateRq,
  bytesOf,
  item,
  proposed,
  uid,
  usualContexts,
  usualUserItems,
} from '../../fixtures/odd-client.ts'
import { type Case, type Expectation, request } from './case.ts'

const mostContexts = Array.from({ length: 128 }, (_, n) => proposed(2 * n + 1, uid.ctImageStorage))

export function associationItems(): Case[] {
  const context = item(0x10, uid.applicationContext)
  const user = item(0x50, Buffer.concat(usualUserItems))
  const cases: Case[] = []
  const named: readonly [name: string, type: number, contents: Buffer, refused: Expectation][] = [
    ['application context', 0x10, bytesOf(uid.applicationContext), 'any'],
    ['presentation context', 0x20, proposed(1, uid.ctImageStorage).subarray(4), 'any'],
    ['user information', 0x50, Buffer.concat(usualUserItems), 'any'],
  ]
  for (const [name, type, contents, expect] of named) {
    for (const length of [0, 1, 2, 3, contents.length - 1, contents.length + 1, 0x7fff, 0xffff]) {
      const items = [
        ...(type === 0x10 ? [] : [context]),
        ...(type === 0x20 ? [] : usualContexts),
        ...(type === 0x50 ? [] : [user]),
        item(type, contents, length),
      ]
      const words = `${name} of ${String(contents.length)} bytes that claims ${String(length)}`
      cases.push(request(words, length >= 0x7fff ? 'abort' : expect, associateRq({ items })))
    }
    const empty = [context, ...usualContexts, user].filter((one) => one[0] !== type)
    cases.push(
      request(`no ${name}`, type === 0x10 ? 'reject' : 'served', associateRq({ items: empty })),
    )
  }
  cases.push(
    request('no item at all', 'reject', associateRq({ items: [] })),
    request('half an item', 'abort', associateRq({ items: [context, Buffer.of(0x20)] })),
    request('no context at all', 'served', associateRq({ contexts: [] })),
    request('128 contexts', 'served', associateRq({ contexts: mostContexts })),
    request(
      '129 contexts',
      'abort',
      associateRq({ contexts: [...mostContexts, proposed(1, uid.ctImageStorage)] }),
    ),
    request(
      '5,000 contexts of one identifier',
      'abort',
      associateRq({
        contexts: Array.from({ length: 3000 }, () => proposed(1, uid.ctImageStorage)),
      }),
    ),
    request(
      'two application contexts',
      'served',
      associateRq({
        items: [context, context, ...usualContexts, user],
      }),
    ),
    request(
      'two user informations',
      'served',
      associateRq({
        items: [context, ...usualContexts, user, user],
      }),
    ),
    request(
      'another application context',
      'reject',
      associateRq({
        items: [item(0x10, '1.2.3'), ...usualContexts, user],
      }),
    ),
    request(
      'an application context of 300 bytes',
      'abort',
      associateRq({
        items: [item(0x10, '1'.repeat(300)), ...usualContexts, user],
      }),
    ),
    request(
      '3,000 unknown items',
      'served',
      associateRq({
        items: [
          ...Array.from({ length: 3000 }, () => item(0x99, 'x')),
          context,
          ...usualContexts,
          user,
        ],
      }),
    ),
    request(
      'an unknown item of 64 KiB',
      'served',
      associateRq({
        items: [item(0x77, Buffer.alloc(0xffff)), context, ...usualContexts, user],
      }),
    ),
    request(
      'a context without abstract syntax',
      'served',
      associateRq({
        contexts: [item(0x20, Buffer.concat([Buffer.of(1, 0, 0, 0), item(0x40, uid.explicit)]))],
      }),
    ),
    request(
      'a context without transfer syntax',
      'served',
      associateRq({
        contexts: [
          item(0x20, Buffer.concat([Buffer.of(1, 0, 0, 0), item(0x30, uid.ctImageStorage)])),
        ],
      }),
    ),
    request(
      'a context of one byte',
      'abort',
      associateRq({ contexts: [item(0x20, Buffer.of(1))] }),
    ),
    request(
      'a context with 2,000 transfer syntaxes',
      'served',
      associateRq({
        contexts: [
          proposed(
            1,
            uid.ctImageStorage,
            Array.from({ length: 2000 }, () => uid.explicit),
          ),
        ],
      }),
    ),
    request(
      'a context with 16,000 empty transfer syntaxes',
      'served',
      associateRq({
        contexts: [
          proposed(
            1,
            uid.ctImageStorage,
            Array.from({ length: 16_000 }, () => ''),
          ),
        ],
      }),
    ),
    request(
      '256 KiB of a request',
      'any',
      associateRq({
        items: [
          context,
          user,
          ...Array.from({ length: 3 }, () => item(0x99, Buffer.alloc(65_000))),
        ],
      }),
    ),
  )
  for (const id of [0, 2, 100, 254]) {
    cases.push(
      request(
        `a context identifier of ${String(id)}`,
        'abort',
        associateRq({
          contexts: [proposed(id, uid.ctImageStorage)],
        }),
      ),
    )
  }
  const syntaxes = [
    '',
    ' ',
    '..',
    '../../etc',
    '1'.repeat(64),
    '1'.repeat(66),
    '\0',
    '1.2\n3',
    '$(id)',
  ]
  for (const syntax of syntaxes) {
    const words = JSON.stringify(syntax.slice(0, 12))
    cases.push(
      request(
        `an abstract syntax ${words} of ${String(syntax.length)}`,
        'served',
        associateRq({
          contexts: [proposed(1, syntax)],
        }),
      ),
      request(
        `a transfer syntax ${words} of ${String(syntax.length)}`,
        'served',
        associateRq({
          contexts: [proposed(1, uid.ctImageStorage, [syntax])],
        }),
      ),
    )
  }
  for (const length of [67, 1000, 60_000]) {
    cases.push(
      request(
        `an abstract syntax of ${String(length)} bytes`,
        'abort',
        associateRq({
          contexts: [proposed(1, '1'.repeat(length))],
        }),
      ),
      request(
        `a transfer syntax of ${String(length)} bytes`,
        'abort',
        associateRq({
          contexts: [proposed(1, uid.ctImageStorage, ['1'.repeat(length)])],
        }),
      ),
    )
  }
  for (const version of [0, 2, 0xfffe]) {
    cases.push(request(`protocol version ${String(version)}`, 'reject', associateRq({ version })))
  }
  for (const version of [3, 0xffff]) {
    cases.push(request(`protocol version ${String(version)}`, 'served', associateRq({ version })))
  }
  return cases
}

export function titles(): Case[] {
  const hostile = [
    '',
    ' '.repeat(16),
    '\0'.repeat(16),
    'A\nB',
    'A\\B',
    'A\rB',
    '\x1b[2J',
    'A\x7f',
    '\u0085',
  ]
  const harmless = [
    '../../etc',
    '; rm -rf /',
    '$(reboot)',
    '`id`',
    '-x',
    '%s%n',
    '"\'',
    'ÄÖÜ',
    '<img>',
  ]
  return [
    ...hostile.flatMap((title, n) => [
      request(`calling AE title ${String(n)}, hostile`, 'reject', associateRq({ calling: title })),
      request(`called AE title ${String(n)}, hostile`, 'reject', associateRq({ called: title })),
    ]),
    ...harmless.flatMap((title) => [
      request(`calling AE title ${title}`, 'served', associateRq({ calling: title })),
      request(`called AE title ${title}`, 'served', associateRq({ called: title })),
    ]),
  ]
}
