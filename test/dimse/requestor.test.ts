import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import {
  type Association,
  PduStream,
  PduType,
  encodeControlPdu,
  openAssociation,
} from '../../src/lib/dimse/index.ts'
import { DataFrames, type Onlooker } from '../../src/lib/dimse/store-scu.ts'
import { CT_IMAGE_STORAGE, ctImage, syntax } from '../fixtures/dicom-writer.ts'
import { freePort, missing, pydicomSamples, start } from '../fixtures/peers.ts'
import { StoragePeer, type PeerOptions, type Reaction } from './storage-peer.ts'

const directory = mkdtempSync(join(tmpdir(), 'fiona-requestor-'))
let files = 0

/** An object in a file of its own. */
function object(options: { rows?: number; transferSyntax?: string } = {}) {
  const sopUID = `2.25.77.${String(++files)}`
  const path = join(directory, `${sopUID}.dcm`)
  writeFileSync(path, ctImage({ ...options, columns: options.rows ?? 8, sopUID }))
  return objectIn(path)
}

function objectIn(path: string) {
  using file = DicomFile.open(path, { stopAtPixelData: true })
  return {
    path,
    SOPClassUID: file.string(file.dataSet, 0x00080016) ?? '',
    SOPInstanceUID: file.string(file.dataSet, 0x00080018) ?? '',
    transferSyntaxUID: file.transferSyntaxUID,
    dataSetOffset: file.dataSetOffset,
  }
}

const digestFrom = (path: string, offset: number, end?: number) =>
  createHash('sha256').update(readFileSync(path).subarray(offset, end)).digest('hex')

const ct = [{ abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.explicit] }]

function associate(
  port: number,
  more: Partial<Parameters<typeof openAssociation>[0]> = {},
): Promise<Association> {
  return openAssociation({
    host: '127.0.0.1',
    port,
    callingAETitle: 'FIONA',
    calledAETitle: 'PEER',
    contexts: ct,
    timeoutSeconds: 20,
    ...more,
  })
}

async function peer(t: Test, options: PeerOptions = {}): Promise<StoragePeer> {
  const one = await StoragePeer.listen(options)
  t.teardown(() => one.close())
  return one
}

t.test('the law of packing: any data set, cut for any peer, comes out as it went in', (t) => {
  const law = fc.property(
    fc.integer({ min: 1, max: 40_000 }),
    fc.integer({ min: 0, max: 700_000 }),
    fc.integer({ min: 0, max: 127 }),
    (fragmentBytes, size, id) => {
      const bounded = Math.min(size, fragmentBytes * 2000)
      const contextId = 2 * id + 1
      const frames = new DataFrames(fragmentBytes)
      let sent = 0
      let came = 0
      let lasts = 0
      const stream = new PduStream(
        {
          header: (type, length) => {
            if (type !== PduType.DataTransfer) throw new Error('not P-DATA-TF')
            if (length > fragmentBytes + 6) throw new Error('longer than the peer takes')
          },
          control: () => undefined,
          pdvBegin: (context, isCommand, isLast) => {
            if (context !== contextId || isCommand) throw new Error('wrong header')
            if (lasts > 0) throw new Error('something behind the last fragment')
            if (isLast) lasts++
          },
          pdvBytes: (bytes) => {
            for (const byte of bytes) if (byte !== came++ % 251) throw new Error('wrong byte')
          },
          pdvEnd: () => undefined,
        },
        fragmentBytes + 6,
      )
      do {
        const { gaps, bytes, pdus } = frames.frame(contextId, bounded - sent)
        let at = sent
        for (const gap of gaps) for (let i = 0; i < gap.length; i++) gap[i] = at++ % 251
        stream.push(pdus)
        sent += bytes
      } while (sent < bounded)
      if (!stream.isAtRest) throw new Error('a PDU is not whole')
      if (sent !== bounded || came !== bounded || lasts !== 1) throw new Error('not all came')
    },
  )
  fc.assert(law, { numRuns: 150 })
  t.end()
})

t.test('fragments are even and as long as the peer takes', async (t) => {
  for (const [announced, longest] of [
    [16384, 16384],
    [16383, 16382],
    [4096, 4096],
    [131072, 131072],
  ] as const) {
    const scp = await peer(t, { maxPduLength: announced })
    const association = await associate(scp.port)
    const sent = object({ rows: 400 })
    t.same(await association.store(sent), { status: 0 })
    await association.release()
    t.equal(Math.max(...scp.pduLengths), longest)
    t.equal(scp.received[0]?.sha256, digestFrom(sent.path, sent.dataSetOffset))
  }
  t.end()
})

t.test('a peer without limit, or with an absurd one, gets PDUs of our own size', async (t) => {
  for (const announced of [0, 0xffffffff, 7, 12]) {
    const scp = await peer(t, { maxPduLength: announced })
    const association = await associate(scp.port)
    const sent = object({ rows: announced > 12 || announced === 0 ? 1200 : 8 })
    t.same(await association.store(sent), { status: 0 })
    t.equal(scp.received[0]?.sha256, digestFrom(sent.path, sent.dataSetOffset))
    t.ok(Math.max(...scp.pduLengths) <= 1 << 20)
    await association.release()
  }
})

t.test('an object with nothing in its data set is sent as one empty fragment', async (t) => {
  const scp = await peer(t)
  const association = await associate(scp.port)
  const one = object()
  t.same(await association.store({ ...one, dataSetOffset: readFileSync(one.path).length }), {
    status: 0,
  })
  t.match(scp.received, [{ bytes: 0 }])
  await association.release()
})

t.test(
  'many objects go over one association, and `seen` gets every byte of the file',
  async (t) => {
    const scp = await peer(t)
    const association = await associate(scp.port)
    for (let i = 0; i < 20; i++) {
      const one = object({ rows: 10 + i * 20 })
      const digest = createHash('sha256')
      const seen: Onlooker = (bytes) => {
        for (const some of bytes) digest.update(some)
        return Promise.resolve()
      }
      await association.store({ ...one, seen })
      t.equal(digest.digest('hex'), digestFrom(one.path, 0))
    }
    await association.release()
    t.equal(scp.received.length, 20)
    t.equal(scp.requests.length, 1)
    t.equal(scp.requests[0]?.callingAETitle, 'FIONA')
    t.equal(scp.requests[0]?.calledAETitle, 'PEER')
  },
)

t.test(
  'what is looked at stays as it is: nothing is read in its place before, and no store ends',
  async (t) => {
    const scp = await peer(t)
    const association = await associate(scp.port)
    const objects = [object({ rows: 2000 }), object(), object({ rows: 1500 })]
    for (const one of objects) {
      const digest = createHash('sha256')
      let open = 0
      const seen: Onlooker = async (bytes) => {
        t.equal(open, 0, 'one piece at a time')
        open++
        await delay(20)
        for (const some of bytes) digest.update(some)
        open--
      }
      await association.store({ ...one, seen })
      t.equal(open, 0)
      t.equal(digest.digest('hex'), digestFrom(one.path, 0))
    }
    await association.release()
  },
)

t.test('the status and comment of the peer are the answer', async (t) => {
  const answers: Reaction[] = [
    0xa700,
    { answer: { Status: 0xc123, ErrorComment: 'no space for this' } },
    0xb006,
  ]
  const scp = await peer(t, { store: (number) => answers[number - 1] ?? 0 })
  const association = await associate(scp.port)
  t.same(await association.store(object()), { status: 0xa700 })
  t.same(await association.store(object()), { status: 0xc123, errorComment: 'no space for this' })
  t.same(await association.store(object()), { status: 0xb006 })
  await association.release()
})

t.test('C-ECHO is answered', async (t) => {
  const scp = await peer(t)
  const contexts = [{ abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: [syntax.implicit] }]
  const association = await associate(scp.port, { contexts })
  t.equal(await association.echo(), 0)
  await association.release()
})

t.test('C-FIND brings every match, however many come at once', async (t) => {
  const find = '1.2.840.10008.5.1.4.1.2.2.1'
  const matches = Array.from({ length: 3000 }, (_, i) => Buffer.from(`match ${String(i)} `))
  const scp = await peer(t, { matches })
  const contexts = [{ abstractSyntax: find, transferSyntaxes: [syntax.implicit] }]
  const association = await associate(scp.port, { contexts })
  const answer = await association.find(find, syntax.implicit, Buffer.from('a query '))
  t.equal(answer.status, 0)
  t.same(answer.matches.map(String), matches.map(String))
  await association.release()
})

t.test('what was not accepted is not sent, and the association goes on', async (t) => {
  const scp = await peer(t, { accepts: (_, [transferSyntax]) => transferSyntax !== syntax.rle })
  const contexts = [...ct, { abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.rle] }]
  const association = await associate(scp.port, { contexts })
  t.equal(association.accepted(CT_IMAGE_STORAGE, syntax.explicit), 1)
  t.equal(association.accepted(CT_IMAGE_STORAGE, syntax.rle), undefined)
  const refused = { ...object(), transferSyntaxUID: syntax.rle }
  await t.rejects(association.store(refused), { code: 'E_NOT_ACCEPTED', retryable: false })
  t.same(await association.store(object()), { status: 0 })
  await association.release()
})

t.test('an acceptor that answers with a syntax nobody proposed has accepted nothing', async (t) => {
  const scp = await peer(t, {
    associate: (_, request) =>
      encodeControlPdu({
        ...request,
        type: PduType.AssociateAccept,
        presentationContexts: [
          { id: 1, result: 0, transferSyntax: syntax.jpegBaseline },
          { id: 77, result: 0, transferSyntax: syntax.explicit },
        ],
        userInformation: { maxPduLength: 0, implementationClassUID: '2.25.1' },
      }),
  })
  const association = await associate(scp.port)
  t.equal(association.accepted(CT_IMAGE_STORAGE, syntax.jpegBaseline), undefined)
  t.equal(association.accepted(CT_IMAGE_STORAGE, syntax.explicit), undefined)
  association.abort()
})

t.test('rejections say why in words, and whether another try makes sense', async (t) => {
  for (const [result, source, reason, words, retryable] of [
    [1, 1, 7, /permanently: called AE title not recognized/, false],
    [1, 1, 3, /permanently: calling AE title not recognized/, false],
    [2, 3, 1, /for now: temporary congestion/, true],
    [2, 3, 2, /for now: local limit exceeded/, true],
    [1, 9, 9, /source 9, reason 9/, false],
  ] as const) {
    const reject = encodeControlPdu({ type: PduType.AssociateReject, result, source, reason })
    const scp = await peer(t, { associate: () => reject })
    await t.rejects(associate(scp.port), {
      code: 'E_ASSOCIATION_REJECTED',
      message: words,
      retryable,
    })
  }
})

t.test('nobody there is E_CONNECT, and may be tried again', async (t) => {
  await t.rejects(associate(await freePort()), { code: 'E_CONNECT', retryable: true })
  await t.rejects(associate(104, { host: 'no-such-host.invalid' }), { code: 'E_CONNECT' })
})

t.test('silence ends in E_TIMEOUT, whatever it is that does not come', async (t) => {
  const short = { timeoutSeconds: 0.2 }
  const mute = await peer(t, { associate: () => 'silence' })
  await t.rejects(associate(mute.port, short), {
    code: 'E_TIMEOUT',
    message: /no answer to the request for an association/,
    retryable: true,
  })
  const forgetful = await peer(t, { store: () => 'silence' })
  const first = await associate(forgetful.port, short)
  await t.rejects(first.store(object()), { code: 'E_TIMEOUT', message: /no answer to C-STORE/ })
  await t.rejects(first.store(object()), { code: 'E_TIMEOUT' }, 'it is gone for good')

  const deaf = await peer(t, { deaf: true })
  const second = await associate(deaf.port, short)
  await t.rejects(second.store(object({ rows: 4000 })), {
    code: 'E_TIMEOUT',
    message: /took no data/,
  })
})

t.test('an association that ends in the middle is E_ASSOCIATION_ABORTED', async (t) => {
  for (const reaction of ['abort', 'close', 'reset'] as const) {
    const scp = await peer(t, { store: () => reaction })
    const association = await associate(scp.port)
    await t.rejects(association.store(object()), { code: 'E_ASSOCIATION_ABORTED', retryable: true })
  }
  const early = await peer(t, {
    associate: () => encodeControlPdu({ type: PduType.Abort, source: 2, reason: 1 }),
  })
  await t.rejects(associate(early.port), { code: 'E_ASSOCIATION_ABORTED' })
})

t.test('a peer that breaks the rules gets A-ABORT and is named in the error', async (t) => {
  const hugePdu = Buffer.from([4, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
  const noPdu = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')
  const cases: [string, Reaction][] = [
    ['another message is answered', { answer: { MessageIDBeingRespondedTo: 4711 } }],
    ['another command is answered', { answer: { CommandField: 0x8030 } }],
    ['a PDU of 4 GiB', { bytes: hugePdu }],
    ['no PDU at all', { bytes: noPdu }],
    [
      'a release instead of an answer',
      { bytes: encodeControlPdu({ type: PduType.ReleaseRequest }) },
    ],
  ]
  for (const [name, reaction] of cases) {
    const scp = await peer(t, { store: () => reaction })
    const association = await associate(scp.port)
    await t.rejects(association.store(object()), { code: 'E_DICOM_PROTOCOL' }, name)
    t.match(association.failure, { code: 'E_DICOM_PROTOCOL' })
  }
  const web = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(noPdu)
  })
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  t.teardown(() => web.close())
  const { port } = web.address() as AddressInfo
  await t.rejects(associate(port), { code: 'E_DICOM_PROTOCOL' })
})

t.test('a file that shrinks while it is sent takes the association with it', async (t) => {
  const scp = await peer(t, { maxPduLength: 4096 })
  const association = await associate(scp.port)
  const one = object({ rows: 1000 })
  let shrunk = false
  const seen = (): Promise<void> => {
    if (!shrunk) truncateSync(one.path, 300_000)
    shrunk = true
    return Promise.resolve()
  }
  await t.rejects(association.store({ ...one, seen }), {
    code: 'E_FILE_READ',
    message: /shorter/,
  })
  t.match(association.failure, { code: 'E_FILE_READ' })
  t.same(scp.received, [])
})

t.test('a file that is not there is told before anything is sent', async (t) => {
  const scp = await peer(t)
  const association = await associate(scp.port)
  await t.rejects(association.store({ ...object(), path: '/no/such/file' }), {
    code: 'E_FILE_READ',
  })
  t.same(await association.store(object()), { status: 0 }, 'the association goes on')
  await association.release()
})

t.test('a signal ends the association, with A-ABORT', async (t) => {
  const stop = new AbortController()
  const scp = await peer(t, {
    store: () => {
      stop.abort()
      return 'silence'
    },
  })
  const association = await associate(scp.port, { signal: stop.signal })
  await t.rejects(association.store(object()), { code: 'E_STOPPED' })
  await t.rejects(associate(scp.port, { signal: stop.signal }), { code: 'E_STOPPED' })
})

t.test('release does not wait for a peer that does not answer properly', async (t) => {
  const collide = await peer(t, { release: 'collide' })
  await (await associate(collide.port)).release()
  const mute = await peer(t, { release: 'silence' })
  const association = await associate(mute.port, { timeoutSeconds: 0.2 })
  await association.release()
  await t.rejects(association.store(object()))
})

t.test(
  'storescp gets each sample of pydicom as it is, in every transfer syntax',
  { skip: missing('storescp') || (pydicomSamples().length === 0 && 'pydicom not installed') },
  async (t) => {
    const into = mkdtempSync(join(tmpdir(), 'fiona-storescp-'))
    const port = await freePort()
    const scp = start('storescp', ['+B', '+xa', '-pm', '-od', into, String(port)])
    t.teardown(() => scp.kill())
    const samples = pydicomSamples().flatMap((path) => {
      try {
        const one = objectIn(path)
        return one.SOPClassUID === '' || one.SOPInstanceUID === '' ? [] : [one]
      } catch {
        return []
      }
    })
    const syntaxes = new Set<string>()
    for (const sample of samples) {
      const { SOPClassUID, SOPInstanceUID, transferSyntaxUID } = sample
      const contexts = [{ abstractSyntax: SOPClassUID, transferSyntaxes: [transferSyntaxUID] }]
      const association = await untilItListens(() => associate(port, { contexts }))
      if (association.accepted(SOPClassUID, transferSyntaxUID) !== undefined) {
        t.same(await association.store(sample), { status: 0 }, sample.path)
        syntaxes.add(transferSyntaxUID)
        const name = readdirSync(into).find((one) => one.endsWith(`.${SOPInstanceUID}`)) ?? ''
        const path = join(into, name)
        const sent = readFileSync(sample.path).subarray(sample.dataSetOffset)
        const stored = readFileSync(path).subarray(objectIn(path).dataSetOffset)
        t.ok(stored.subarray(0, sent.length).equals(sent), 'byte for byte')
        t.equal(stored.length, sent.length + (sent.length % 2))
      }
      await association.release()
    }
    t.ok(syntaxes.size >= 10, [...syntaxes].join(' '))
  },
)

async function untilItListens(open: () => Promise<Association>): Promise<Association> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if ((error as { code?: string }).code !== 'E_CONNECT') throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
