/** Command sets (PS3.7 annex E) that lack, lie or repeat. */
import {
  associateRq,
  bytesOf,
  commandElement,
  commandSet,
  item,
  maxLength,
  releaseRq,
  uid,
} from '../../fixtures/odd-client.ts'
import {
  type Case,
  type Expectation,
  be32,
  command,
  data,
  hex,
  inside,
  noBytes,
  object,
  plain,
} from './case.ts'

export function commandSets(): Case[] {
  const all = {
    affected: commandElement(0x0002, uid.verification),
    field: commandElement(0x0100, 0x0030),
    messageId: commandElement(0x0110, 9),
    dataSetType: commandElement(0x0800, 0x0101),
  }
  const echoOf = (changes: Partial<Record<keyof typeof all, Buffer>>): Buffer =>
    commandSet(...Object.values({ ...all, ...changes }))
  const echo = (name: string, expect: Expectation, bytes: Buffer): Case =>
    inside(name, expect, command(bytes, 3), releaseRq)
  const without = (key: keyof typeof all): Buffer => echoOf({ [key]: noBytes })
  const wrong: readonly [name: string, value: Buffer | string][] = [
    ['empty', noBytes],
    ['text', 'ABCDEFGH'],
    ['of four bytes', be32(1)],
    ['of one byte, uneven', Buffer.of(1)],
    ['of 60,000 bytes', Buffer.alloc(60_000)],
  ]
  const odd = (element: number, value: Buffer | string): Buffer => {
    // The writer pads; here a value of one byte stays one.
    const bytes = typeof value === 'string' ? bytesOf(value) : value
    const header = commandElement(element, noBytes, bytes.length)
    return Buffer.concat([header, bytes])
  }
  const cases = [
    echo('a command without Command Field', 'abort', without('field')),
    echo('a command without Command Data Set Type', 'abort', without('dataSetType')),
    echo('a command without Message ID', 0, without('messageId')),
    echo('a command without Affected SOP Class UID', 0, without('affected')),
    echo('a command set without group length', 0, Buffer.concat(Object.values(all))),
    echo(
      'a group length that lies',
      0,
      Buffer.concat([commandElement(0, be32(0xffffffff)), ...Object.values(all)]),
    ),
    echo(
      'a group length of no length',
      0,
      Buffer.concat([commandElement(0, noBytes), ...Object.values(all)]),
    ),
    echo('elements in the wrong order', 0, commandSet(...Object.values(all).reverse())),
    echo('every element twice', 0, commandSet(...Object.values(all), ...Object.values(all))),
    echo(
      'a group 0008 in the command set',
      0,
      Buffer.concat([echoOf({}), hex('08001800 02000000 3100')]),
    ),
    echo(
      'an unknown command element',
      0,
      echoOf({ messageId: Buffer.concat([all.messageId, commandElement(0x7777, 'x')]) }),
    ),
    echo(
      'a thousand unknown command elements',
      0,
      echoOf({
        messageId: Buffer.concat([
          all.messageId,
          ...Array.from({ length: 1000 }, () => commandElement(0x7777, 'x')),
        ]),
      }),
    ),
    echo(
      'a command set in explicit VR',
      'abort',
      hex('00000200554912 00 312e322e3834302e31303030382e312e3100 000000015553 02003000'),
    ),
    echo(
      'a command set in big endian',
      'abort',
      hex(
        '0000000200000012 312e322e3834302e31303030382e312e3100 0000010000000002 0030 0000080000000002 0101',
      ),
    ),
    echo('a command set of noise', 'abort', Buffer.alloc(300, 0xa5)),
    echo('a response to nothing', 'abort', echoOf({ field: commandElement(0x0100, 0x8030) })),
    echo('C-CANCEL', 'any', echoOf({ field: commandElement(0x0100, 0x0fff) })),
    echo(
      'a UID of blanks in 60,000 bytes',
      'any',
      echoOf({ affected: odd(0x0002, `1${' '.repeat(60_000)}1 `) }),
    ),
    echo(
      'a UID of NULs in 60,000 bytes',
      'any',
      echoOf({ affected: odd(0x0002, `1${'\0'.repeat(60_000)}1 `) }),
    ),
    echo(
      'an Error Comment of 60,000 bytes',
      0,
      echoOf({ messageId: Buffer.concat([all.messageId, odd(0x0902, 'c'.repeat(60_000))]) }),
    ),
    echo(
      'an attribute list of 15,000 tags',
      0,
      echoOf({ messageId: Buffer.concat([all.messageId, odd(0x1005, Buffer.alloc(60_000))]) }),
    ),
    plain(
      'a UID of 60,000 bytes for a peer that takes a byte at a time',
      'any',
      associateRq({ userItems: [maxLength(1), item(0x52, '1')] }),
      command(echoOf({ affected: odd(0x0002, '1'.repeat(60_000)) }), 3),
      releaseRq,
    ),
  ]
  for (const length of [1, 3, 0xff, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff]) {
    cases.push(
      echo(
        `a command element that claims ${String(length)} bytes`,
        length < 4 ? 'any' : 'abort',
        echoOf({
          affected: commandElement(0x0002, uid.verification, length),
        }),
      ),
    )
  }
  for (const [words, value] of wrong) {
    cases.push(
      echo(`a Command Field ${words}`, 'abort', echoOf({ field: odd(0x0100, value) })),
      echo(
        `a Command Data Set Type ${words}`,
        'abort',
        echoOf({ dataSetType: odd(0x0800, value) }),
      ),
      echo(`a Message ID ${words}`, 0, echoOf({ messageId: odd(0x0110, value) })),
      echo(`an Affected SOP Class UID ${words}`, 0, echoOf({ affected: odd(0x0002, value) })),
    )
  }
  // Every cut of a command set, and every operation there is or is not.
  const whole = echoOf({})
  for (let length = 1; length < whole.length; length++) {
    cases.push(
      echo(`a command set cut after ${String(length)} bytes`, 'abort', whole.subarray(0, length)),
    )
  }
  for (const field of [
    0x0000, 0x0010, 0x0020, 0x0021, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150, 0x0fff, 0x7fff,
  ]) {
    const number = field.toString(16).padStart(4, '0')
    cases.push(
      echo(
        `operation ${number} without data set`,
        'any',
        echoOf({ field: commandElement(0x0100, field) }),
      ),
      inside(
        `operation ${number} with a data set`,
        'any',
        command(
          commandSet(
            all.affected,
            commandElement(0x0100, field),
            all.messageId,
            commandElement(0x0800, 1),
          ),
        ),
        data(object.dataSet),
        releaseRq,
      ),
    )
  }
  return cases
}
