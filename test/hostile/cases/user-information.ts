/** User information of A-ASSOCIATE-RQ (PS3.8 annex D, PS3.7 annex D.3.3). */
import {
  associateRq,
  bytesOf,
  echoPdu,
  item,
  maxLength,
  releaseRq,
  uid,
  usualContexts,
  usualUserItems,
} from '../../fixtures/odd-client.ts'
import { type Case, type Expectation, be16, hex, plain, request } from './case.ts'

export function userItems(): Case[] {
  const withItems = (name: string, expect: Expectation, ...items: Buffer[]): Case =>
    request(name, expect, associateRq({ userItems: [...usualUserItems, ...items] }))
  const role = (sopClass: string, ...roles: number[]): Buffer =>
    item(0x54, Buffer.concat([be16(sopClass.length), bytesOf(sopClass), Buffer.of(...roles)]))
  const identity = (type: number, positive: number, ...fields: string[]): Buffer =>
    item(
      0x58,
      Buffer.concat([
        Buffer.of(type, positive),
        ...fields.map((field) => Buffer.concat([be16(field.length), bytesOf(field)])),
      ]),
    )
  const roles = Array.from({ length: 885 }, () => role('1'.repeat(66), 1, 1))
  const cases = [
    request(
      'user information of 64 KiB of zeros',
      'any',
      associateRq({
        items: [
          item(0x10, uid.applicationContext),
          ...usualContexts,
          item(0x50, Buffer.alloc(0xffff)),
        ],
      }),
    ),
    request('user information filled with roles', 'served', associateRq({ userItems: roles })),
    request(
      '1,025 user items',
      'abort',
      associateRq({
        userItems: Array.from({ length: 1025 }, () => item(0x52, '1')),
      }),
    ),
    withItems(
      '20 unknown user items',
      'served',
      ...Array.from({ length: 20 }, (_, n) => item(0x60 + n, 'x')),
    ),
    withItems('an unknown user item of 60,000 bytes', 'served', item(0x7f, Buffer.alloc(60_000))),
    withItems('a version name of 1,000 bytes', 'served', item(0x55, 'V'.repeat(1000))),
    withItems(
      'a version name of blanks in 60,000 bytes',
      'served',
      item(0x55, `x${' '.repeat(60_000)}x`),
    ),
    withItems(
      'a version name of NULs in 60,000 bytes',
      'served',
      item(0x55, `x${'\0'.repeat(60_000)}x`),
    ),
    withItems('an implementation class UID of 67 bytes', 'abort', item(0x52, '1'.repeat(67))),
    withItems('role selection', 'served', role(uid.ctImageStorage, 1, 1)),
    withItems('role selection for nobody', 'served', role(uid.ctImageStorage, 0, 0)),
    withItems('role selection with 255', 'served', role(uid.ctImageStorage, 255, 255)),
    withItems('role selection for a class nobody proposed', 'served', role('1.2.3', 1, 1)),
    withItems('role selection without roles', 'abort', role(uid.ctImageStorage)),
    withItems('role selection with one role', 'abort', role(uid.ctImageStorage, 1)),
    withItems('role selection of an empty class', 'served', role('', 1, 1)),
    withItems(
      'role selection whose class claims 65,535 bytes',
      'abort',
      item(0x54, hex('ffff312e32')),
    ),
    withItems('an empty role selection', 'abort', item(0x54, '')),
    withItems(
      'extended negotiation',
      'served',
      item(0x56, Buffer.concat([be16(17), bytesOf(uid.verification), Buffer.of(1)])),
    ),
    withItems(
      'extended negotiation whose class claims too much',
      'abort',
      item(0x56, hex('00ff31')),
    ),
    withItems('an empty extended negotiation', 'abort', item(0x56, '')),
    withItems(
      'extended negotiation of 50,000 bytes',
      'served',
      item(0x56, Buffer.concat([be16(3), bytesOf('1.2'), Buffer.alloc(50_000)])),
    ),
    withItems('common extended negotiation', 'served', item(0x57, Buffer.alloc(30))),
    withItems('an asynchronous window of all', 'served', item(0x53, hex('ffffffff'))),
    withItems('an asynchronous window without limit', 'served', item(0x53, hex('00000000'))),
    withItems('half an asynchronous window', 'abort', item(0x53, hex('0001'))),
    withItems('an empty asynchronous window', 'abort', item(0x53, '')),
    withItems('a maximum length of three bytes', 'abort', item(0x51, hex('010203'))),
    withItems('an empty maximum length', 'abort', item(0x51, '')),
    withItems('a user item cut short', 'abort', item(0x55, 'x', 100)),
    withItems('a user identity that is not one', 'served', item(0x58, 'x')),
    withItems('an empty user identity', 'served', item(0x58, '')),
    withItems('a user identity that lies', 'served', item(0x58, hex('0101ffff'))),
    withItems('a user identity of a type nobody knows', 'served', identity(99, 1, 'x')),
    withItems('a user identity of 60,000 bytes', 'served', identity(5, 1, 'e'.repeat(60_000))),
  ]
  for (let type = 1; type <= 5; type++) {
    cases.push(
      withItems(
        `a user identity of type ${String(type)}`,
        'served',
        identity(type, 0, 'user', 'pass'),
      ),
      withItems(
        `a user identity of type ${String(type)}, answer asked for`,
        'served',
        identity(type, 1, 'user', 'pass'),
      ),
    )
  }
  for (const bytes of [0, 1, 2, 5, 6, 7, 8, 12, 100, 0x7fffffff, 0xffffffff]) {
    cases.push(
      plain(
        `a peer that takes PDUs of ${String(bytes)} bytes`,
        0,
        associateRq({ userItems: [maxLength(bytes), item(0x52, '2.25.7')] }),
        echoPdu(),
        releaseRq,
      ),
    )
  }
  return cases
}
