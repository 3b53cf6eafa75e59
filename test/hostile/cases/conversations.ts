/** Whole conversations: cut off anywhere, with a wrong bit, in pieces. */
import {
  abortPdu,
  associateRq,
  echoPdu,
  pData,
  pdv,
  releaseRp,
  releaseRq,
  storePdus,
} from '../../fixtures/odd-client.ts'
import { type Case, command, inside, object, plain, store } from './case.ts'

/** Every beginning of a conversation that would be right if it went on. */
export function beginnings(): Case[] {
  const stream = Buffer.concat([associateRq(), storePdus(object), releaseRq])
  const cases: Case[] = []
  const endOfRequest = associateRq().length
  const step = (at: number): number => (at < endOfRequest + 40 ? 7 : 97)
  for (let at = 1; at < stream.length; at += step(at)) {
    cases.push(
      plain(
        `a conversation that ends after ${String(at)} bytes`,
        at < endOfRequest ? 'nothing' : 'any',
        stream.subarray(0, at),
      ),
    )
  }
  return cases
}

/** One bit of a conversation wrong, at places spread over all of it. */
export function flips(): Case[] {
  const stream = Buffer.concat([associateRq(), storePdus(object), releaseRq])
  const cases: Case[] = []
  for (let n = 0; n < 150; n++) {
    const bit = (n * 7919) % (8 * stream.length)
    const bytes = Buffer.from(stream)
    const at = bit >> 3
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7))
    cases.push(plain(`bit ${String(bit)} of a conversation wrong`, 'any', bytes))
  }
  return cases
}

/** Right, and in the smallest pieces: dripping in, and in the wrong order. */
export function pieces(): Case[] {
  const echo = Buffer.concat([associateRq(), echoPdu(), releaseRq])
  const bytes = Array.from(echo, (byte) => Buffer.of(byte))
  return [
    plain('a conversation byte by byte', 0, bytes),
    plain('a conversation in one piece', 0, echo),
    plain('a release that answers nothing', 'abort', releaseRp),
    inside('a release that answers nothing, later', 'abort', releaseRp),
    inside('two releases', 'served', releaseRq, releaseRq),
    inside('an echo behind the release', 'served', releaseRq, echoPdu()),
    inside('noise behind the release', 'served', releaseRq, Buffer.alloc(100_000, 1)),
    inside('a second request', 'abort', associateRq()),
    inside(
      '100 echoes at once',
      0,
      Array.from({ length: 100 }, (_, n) => echoPdu(n)),
      releaseRq,
    ),
    inside(
      'an abort in the middle of an object',
      'served',
      command(store),
      pData(pdv(1, { command: false, last: false }, Buffer.alloc(999))),
      abortPdu,
    ),
  ]
}
