/** The upper layer: what is not DICOM, and PDUs and fragments that lie. */
import {
  abortPdu,
  bytesOf,
  echoCommand,
  echoPdu,
  fragments,
  pData,
  pdu,
  pdv,
  releaseRq,
} from '../../fixtures/odd-client.ts'
import { type Case, command, data, hex, inside, noBytes, object, plain, store } from './case.ts'

export function notDicom(): Case[] {
  return [
    plain('a connection that says nothing', 'nothing'),
    plain('an HTTP request', 'abort', bytesOf('GET / HTTP/1.1\r\nHost: x\r\n\r\n')),
    plain('an HTTP/2 preface', 'abort', bytesOf('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')),
    plain('a TLS ClientHello', 'abort', hex(`16030102000100 ${'01fc0303'.repeat(40)}`)),
    plain('an SSH banner', 'abort', bytesOf('SSH-2.0-x\r\n')),
    plain('HL7 in MLLP', 'abort', bytesOf('\x0bMSH|^~\\&|A|B\r\x1c\r')),
    plain('a PROXY header', 'abort', bytesOf('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n')),
    plain('a megabyte of noise', 'abort', Buffer.alloc(1 << 20, 0xa5)),
    plain('a megabyte of zeros', 'abort', Buffer.alloc(1 << 20)),
    plain('newlines', 'abort', Buffer.alloc(4096, 10)),
  ]
}

export function pduTypes(): Case[] {
  const cases: Case[] = []
  for (let type = 0; type < 256; type++) {
    const body = pdu(type, Buffer.alloc(4))
    if (type !== 1 && type !== 7) {
      cases.push(plain(`PDU type ${String(type)} before the association`, 'abort', body))
    }
    if (type !== 4 && type !== 5 && type !== 7) {
      cases.push(inside(`PDU type ${String(type)} in the association`, 'abort', body))
    }
  }
  return cases
}

export function pduLengths(): Case[] {
  const cases: Case[] = []
  const lengths = [0, 1, 3, 5, 6, 73, 0xffff, 0x40001, 0x7fffffff, 0x80000000, 0xffffffff]
  for (const length of lengths) {
    const words = `claims ${String(length)} bytes`
    cases.push(
      plain(
        `A-ASSOCIATE-RQ ${words}`,
        length > 73 && length < 0x40000 ? 'nothing' : 'abort',
        // What follows is too short for the longer claims, and more than the shorter ones want.
        pdu(1, Buffer.alloc(80), length),
      ),
      inside(`P-DATA-TF ${words}`, 'abort', pdu(4, Buffer.alloc(6), length)),
    )
    if (length === 4) continue
    for (const [type, name] of [
      [5, 'A-RELEASE-RQ'],
      [7, 'A-ABORT'],
    ] as const) {
      cases.push(inside(`${name} ${words}`, 'abort', pdu(type, Buffer.alloc(4), length)))
    }
  }
  cases.push(
    plain('A-ABORT before anything', 'nothing', abortPdu),
    inside('A-ABORT in the association', 'served', abortPdu),
    plain(
      'a request of 4 GiB, a megabyte of it sent',
      'abort',
      pdu(1, Buffer.alloc(1 << 20), 0xffffffff),
    ),
    inside('a PDU one byte longer than announced', 'abort', pdu(4, Buffer.alloc(16), 131073)),
  )
  return cases
}

export function pdvs(): Case[] {
  const last = { command: true, last: true }
  const more = { command: true, last: false }
  const dataLast = { command: false, last: true }
  const cases = [0, 1, 9, 0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff].map((length) =>
    inside(
      `a fragment that claims ${String(length)} bytes`,
      'abort',
      pData(pdv(1, last, Buffer.alloc(4), length)),
    ),
  )
  for (let rest = 1; rest < 6; rest++) {
    const behind = pData(pdv(3, last, echoCommand()), Buffer.alloc(rest))
    cases.push(inside(`${String(rest)} bytes behind the last fragment`, 'abort', behind))
  }
  for (const contextId of [0, 2, 4, 5, 127, 128, 254, 255]) {
    cases.push(
      inside(
        `a command in context ${String(contextId)}`,
        'abort',
        pData(pdv(contextId, last, echoCommand())),
      ),
    )
  }
  cases.push(
    inside('a data set before any command', 'abort', data(object.dataSet)),
    inside('an empty data fragment before any command', 'abort', pData(pdv(1, dataLast, noBytes))),
    inside(
      'a data set in another context',
      'abort',
      command(store),
      pData(pdv(3, dataLast, noBytes)),
    ),
    inside('a command where the data set is due', 'abort', command(store), command(store)),
    inside('an echo where the data set is due', 'abort', command(store), echoPdu()),
    inside('a release where the data set is due', 'abort', command(store), releaseRq),
    inside('a release within a command', 'abort', pData(pdv(1, more, store)), releaseRq),
    inside('a command that changes its context', 'abort', [
      pData(pdv(1, more, store.subarray(0, 20))),
      pData(pdv(3, last, store.subarray(20))),
    ]),
    inside('an empty command set', 'abort', pData(pdv(1, last, noBytes))),
    inside(
      'a command of 4,000 empty fragments',
      0,
      Array.from({ length: 4000 }, () => pData(pdv(3, more, noBytes))),
      pData(pdv(3, last, echoCommand())),
      releaseRq,
    ),
    inside('20,000 empty fragments in one PDU', 0, [
      pData(...Array.from({ length: 20_000 }, () => pdv(3, more, noBytes))),
      pData(pdv(3, last, echoCommand())),
      releaseRq,
    ]),
    inside('a message control header with unknown bits', 0, [
      (() => {
        const bytes = pData(pdv(3, last, echoCommand()))
        bytes[11] = 0xff
        return bytes
      })(),
      releaseRq,
    ]),
    inside('a command set of 65 KiB in pieces', 'abort', [
      ...fragments(1, true, Buffer.alloc(66_000), 1000).map((one) => pData(one)),
    ]),
    inside('a command set that never ends', 'abort', [
      ...Array.from({ length: 40 }, () => pData(pdv(1, more, Buffer.alloc(4000)))),
    ]),
    inside('an object whose data set never begins', 'served', command(store)),
    inside('an object whose data set never ends', 'served', [
      command(store),
      pData(pdv(1, { command: false, last: false }, object.dataSet)),
    ]),
  )
  return cases
}
