import { createHash, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import t from 'tap'
import {
  PduType,
  Status,
  VERIFICATION,
  echoRequest,
  encodeControlPdu,
  storeRequest,
} from '../../src/lib/dimse/index.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { Peer, associateRequest, commandPdus, dataPdus, storePdus } from '../dimse/peer.ts'
import {
  CT_IMAGE_STORAGE,
  ctElements,
  ctImage,
  dataSetBytes,
  syntax,
} from '../fixtures/dicom-writer.ts'
import { missing, pydicomSamples, run, start } from '../fixtures/peers.ts'
import { Scp, dataSetOf, newDataDir } from './scp.ts'

const dcmtk = { skip: missing('storescu', 'dcmsend', 'echoscu') }
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const objectOf = (number: number, options: Parameters<typeof ctElements>[0] = {}) => ({
  SOPInstanceUID: `2.25.3001${String(number)}`,
  dataSet: dataSetBytes(ctElements({ instanceNumber: number, ...options })),
})

t.test('--help says what it does, and a wrong option what is right', async (t) => {
  const help = await run('fiona-scp', ['--help'])
  t.equal(help.code, 0)
  t.match(help.stdout, /Storage SCP/)
  const wrong = await run('fiona-scp', ['--prot', '1'])
  t.equal(wrong.code, 64)
  t.match(wrong.stderr, /--port/)
})

t.test('a port in use ends it with 69', async (t) => {
  const scp = await Scp.start(t)
  const { code, stderr } = await run('fiona-scp', [
    '--port',
    String(scp.port),
    '--data-dir',
    newDataDir(t),
  ])
  t.equal(code, 69)
  t.match(stderr, `error: port ${String(scp.port)} is in use\nhint: `)
})

t.test('a data directory that cannot be one ends it with 73', async (t) => {
  for (const dataDir of ['/proc/fiona', '/dev/null', '/etc/hostname/x']) {
    const { code, stderr } = await run('fiona-scp', ['--port', '0', '--data-dir', dataDir])
    t.equal(code, 73)
    t.match(stderr, new RegExp(`^error: nothing can be kept in ${dataDir} \\(E[A-Z]+\\)\nhint: `))
  }
})

t.test('C-ECHO is answered', dcmtk, async (t) => {
  const scp = await Scp.start(t)
  const { code } = await run('echoscu', ['127.0.0.1', String(scp.port)])
  t.equal(code, 0)
  t.match(await scp.logged('association released'), { objects: 0, refused: 0 })
})

/** pydicom's samples that are whole files with an identity, one for each SOP instance. */
function sendableSamples(): Sample[] {
  const samples = new Map<string, Sample>()
  for (const path of pydicomSamples()) {
    try {
      using file = DicomFile.open(path)
      const [SOPClassUID, SOPInstanceUID, ...others] = [
        0x00080016, 0x00080018, 0x0020000d, 0x0020000e,
      ].map((tag) => file.string(file.dataSet, tag))
      const claimed = file.string(file.meta, 0x00020010)
      if (SOPClassUID === undefined || SOPInstanceUID === undefined) continue
      if (others.includes(undefined) || claimed !== file.transferSyntaxUID) continue
      const dataSet = readFileSync(path).subarray(file.dataSetOffset)
      const sample = { path, dataSet, SOPClassUID, SOPInstanceUID, TransferSyntaxUID: claimed }
      if (!samples.has(SOPInstanceUID)) samples.set(SOPInstanceUID, sample)
    } catch {
      // Samples of what is broken: they have their place in the tests of the reader.
    }
  }
  return [...samples.values()]
}
/** storescu proposes compressed syntaxes only when it is told which. */
function proposing(command: string, transferSyntaxUID: string): string[] {
  const options: Readonly<Record<string, string>> = {
    '1.2.840.10008.1.2.4.50': '-xy',
    '1.2.840.10008.1.2.4.51': '-xx',
    '1.2.840.10008.1.2.4.70': '-xs',
    '1.2.840.10008.1.2.4.90': '-xv',
    '1.2.840.10008.1.2.4.91': '-xw',
    '1.2.840.10008.1.2.5': '-xr',
  }
  const option = command === 'storescu' ? options[transferSyntaxUID] : undefined
  return option === undefined ? [] : [option]
}
interface Sample {
  readonly path: string
  readonly dataSet: Buffer
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  readonly TransferSyntaxUID: string
}

t.test('a sample of every kind is stored byte for byte as it was sent', dcmtk, async (t) => {
  const scp = await Scp.start(t)
  const samples = sendableSamples()
  for (const { SOPClassUID, TransferSyntaxUID, ...object } of samples) {
    const peer = await Peer.associated(scp.port, {
      presentationContexts: [
        { id: 1, abstractSyntax: SOPClassUID, transferSyntaxes: [TransferSyntaxUID] },
      ],
    })
    peer.send(storePdus({ SOPClassUID, ...object }))
    t.equal(await peer.status(), Status.success, object.path)
    await peer.release()
  }
  const records = await scp.recorded(samples.length)
  records.forEach((record, n) => {
    const stored = readFileSync(record.path)
    t.match(record, { sha256: sha256(stored), size: stored.length })
    t.equal(record.TransferSyntaxUID, samples[n]?.TransferSyntaxUID)
    t.equal(sha256(dataSetOf(stored)), sha256(samples[n]?.dataSet ?? Buffer.alloc(0)))
  })
  const syntaxes = new Set(samples.map(({ TransferSyntaxUID }) => TransferSyntaxUID))
  t.ok(samples.length >= 25, `${String(samples.length)} samples`)
  t.ok(syntaxes.size >= 8, [...syntaxes].join(', '))
})

t.test('what DCMTK sends is stored as it is, compressed too', dcmtk, async (t) => {
  const scp = await Scp.start(t)
  const folder = newDataDir(t)
  const names = ['CT_small', 'JPEG2000', 'JPEG-lossy', 'SC_rgb_jpeg_dcmtk', 'MR_small_RLE']
  const samples = sendableSamples().filter(({ path }) => names.includes(basename(path, '.dcm')))
  t.ok(samples.length >= 3)
  for (const [n, { path, TransferSyntaxUID }] of samples.entries()) {
    // DCMTK encodes whatever it sends anew; what it wrote itself, it writes the same again.
    const file = join(folder, basename(path))
    t.equal((await run('dcmconv', ['-g', '-p', path, file])).code, 0)
    for (const [k, command] of ['dcmsend', 'storescu'].entries()) {
      const args = [...proposing(command, TransferSyntaxUID), '127.0.0.1', String(scp.port), file]
      const { code, stderr } = await run(command, args)
      t.equal(code, 0, stderr)
      const record = (await scp.recorded(2 * n + k + 1)).at(-1)
      t.match(record, { TransferSyntaxUID, duplicate: k > 0 })
      const stored = readFileSync(record?.path ?? '')
      t.equal(sha256(dataSetOf(stored)), sha256(dataSetOf(readFileSync(file))), path)
    }
  }
})

t.test('the record comes before the answer, with all that is known', async (t) => {
  const scp = await Scp.start(t, { args: ['--aet', 'RESEARCH'] })
  const object = objectOf(1)
  const peer = await Peer.associated(scp.port, { calledAETitle: 'ABCD', callingAETitle: 'CT 1' })
  peer.send(storePdus(object))
  t.match(await peer.next(), {
    command: {
      AffectedSOPClassUID: CT_IMAGE_STORAGE,
      AffectedSOPInstanceUID: object.SOPInstanceUID,
      MessageIDBeingRespondedTo: 1,
      Status: 0,
    },
  })
  const [record] = await scp.recorded(1)
  const path = `${scp.dataDir}/default/archive/2.25.1001/2.25.1001.1/${object.SOPInstanceUID}.dcm`
  t.match(record, {
    type: 'instance',
    path,
    duplicate: false,
    TransferSyntaxUID: '1.2.840.10008.1.2.1',
    source: { callingAET: 'CT 1', calledAET: 'ABCD', address: '127.0.0.1' },
    attributes: { PatientID: 'EX-0001', Modality: 'CT' },
  })
  const stored = readFileSync(path)
  t.ok(dataSetOf(stored).equals(object.dataSet))
  t.equal(record?.sha256, sha256(stored))
  using file = DicomFile.fromBuffer(stored)
  t.equal(file.string(file.meta, 0x00020016), 'CT 1')
  t.equal(file.string(file.meta, 0x00020018), 'ABCD')

  peer.send(storePdus({ ...object, MessageID: 2 }))
  t.equal(await peer.status(), Status.success)
  t.match(await scp.recorded(2), [{ duplicate: false }, { duplicate: true, path }])

  peer.send(storePdus({ ...objectOf(1, { rows: 16 }), MessageID: 3 }))
  t.equal(await peer.status(), Status.success)
  const [, , third] = await scp.recorded(3)
  t.match(third, { duplicate: false, conflict: true })
  t.ok(readFileSync(path).equals(stored), 'the first stays as it was')
  await peer.release()
  t.match(await scp.logged('association released'), { objects: 3, duplicates: 1, refused: 0 })
  t.equal(await scp.end('SIGTERM'), 0)
  t.same(scp.incoming(), [])
  const words = JSON.stringify(scp.log)
  t.notMatch(words, /EX-0001|Example\^Patient/, 'no log line names the patient')
})

t.test('an object that is not what its request says is refused and kept aside', async (t) => {
  const scp = await Scp.start(t)
  const peer = await Peer.associated(scp.port)
  const good = objectOf(1)
  const nowhere = `/tmp/x${String(randomInt(2 ** 40))}`
  const truncated = good.dataSet.subarray(0, good.dataSet.length - 40)
  const nested = Buffer.concat(
    Array.from({ length: 20_000 }, () =>
      Buffer.from('0800401153510000fffffffffeff00e0ffffffff', 'hex'),
    ),
  )
  const cases: [what: string, wire: Buffer, status: number, code: string][] = [
    [
      'another SOP instance',
      storePdus({ ...good, SOPInstanceUID: '1.2.3' }),
      0xa900,
      'E_IDENTITY_MISMATCH',
    ],
    [
      'another SOP class',
      storePdus({ ...good, SOPClassUID: '1.2.840.10008.5.1.4.1.1.4' }),
      0xa900,
      'E_IDENTITY_MISMATCH',
    ],
    [
      'a path as SOP instance',
      storePdus({ ...good, SOPInstanceUID: `../../..${nowhere}` }),
      0xa900,
      'E_IDENTITY_MISMATCH',
    ],
    [
      'a shell command as SOP instance',
      storePdus({ ...good, SOPInstanceUID: `$(touch ${nowhere});\`id\`` }),
      0xa900,
      'E_IDENTITY_MISMATCH',
    ],
    [
      'no SOP instance in the request',
      storePdus({ ...good, SOPInstanceUID: '' }),
      0xa900,
      'E_IDENTITY_MISMATCH',
    ],
    ['dots as study', storePdus(objectOf(2, { studyUID: '..' })), 0xa900, 'E_UID_INVALID'],
    [
      'an absolute path as series',
      storePdus(objectOf(3, { seriesUID: '/etc/cron.d/x' })),
      0xa900,
      'E_UID_INVALID',
    ],
    [
      'a NUL in the study',
      storePdus(objectOf(4, { studyUID: '1.2\0/../x' })),
      0xa900,
      'E_UID_INVALID',
    ],
    [
      'a study of 65 digits',
      storePdus(objectOf(5, { studyUID: '1'.repeat(65) })),
      0xa900,
      'E_UID_INVALID',
    ],
    ['no study', storePdus(objectOf(6, { without: [0x0020000d] })), 0xa900, 'E_UID_INVALID'],
    ['a data set cut short', storePdus({ ...good, dataSet: truncated }), 0xc000, 'E_DICOM_PARSE'],
    ['noise', storePdus({ ...good, dataSet: Buffer.alloc(5000, 0xa5) }), 0xc000, 'E_DICOM_PARSE'],
    ['sequences 20,000 deep', storePdus({ ...good, dataSet: nested }), 0xc000, 'E_DICOM_LIMIT'],
  ]
  for (const [what, wire, status, code] of cases) {
    peer.send(wire)
    const heard = await peer.next()
    t.match(heard, { command: { Status: status, ErrorComment: /^[ -~]{1,64}$/ } }, what)
    t.ok(scp.quarantine().codes.includes(code), `${what}: ${code}`)
  }
  t.equal(scp.quarantine().objects, cases.length)
  peer.send(storePdus(good))
  t.equal(await peer.status(), Status.success, 'the association goes on')
  await peer.release()
  t.equal((await scp.recorded(1)).length, 1)
  t.notOk(existsSync(nowhere))
})

t.test('requests that are not served are answered, and nothing else', async (t) => {
  const scp = await Scp.start(t)
  const peer = await Peer.associated(scp.port)
  const request = storeRequest({ MessageID: 4, SOPClassUID: '1.2', SOPInstanceUID: '1.2' })
  peer.send(
    Buffer.concat([commandPdus({ ...request, CommandField: 0x0130 }), dataPdus(Buffer.alloc(999))]),
  )
  t.equal(await peer.status(), Status.unrecognizedOperation, 'N-ACTION')
  peer.send(commandPdus({ ...request, CommandField: 0x0fff, CommandDataSetType: 0x0101 }))
  t.equal(await peer.status(), Status.unrecognizedOperation, 'C-CANCEL')
  peer.send(commandPdus({ ...request, CommandDataSetType: 0x0101 }))
  t.equal(await peer.status(), Status.cannotUnderstand, 'a C-STORE without data set')
  peer.send(commandPdus(echoRequest(1), 3))
  t.equal(await peer.status(), Status.success)
  await peer.release()
})

t.test('what cannot be understood is aborted, and the next is served', dcmtk, async (t) => {
  const scp = await Scp.start(t)
  const hostile: [string, Buffer][] = [
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a TLS ClientHello', Buffer.from('16030102000100' + '01fc0303'.repeat(40), 'hex')],
    [
      'a request of 4 GiB',
      Buffer.concat([Buffer.from('0100ffffffff', 'hex'), Buffer.alloc(1 << 20)]),
    ],
    [
      'user information of 64 KiB',
      Buffer.concat([
        Buffer.from('010000010046' + '00010000', 'hex'),
        Buffer.alloc(64, 32),
        Buffer.from('5000fffe', 'hex'),
        Buffer.alloc(65534),
      ]),
    ],
  ]
  for (const [what, bytes] of hostile) {
    const peer = await Peer.connect(scp.port)
    peer.send(bytes)
    t.match(await peer.next(), { type: PduType.Abort }, what)
    t.equal(await peer.next(), 'closed', what)
  }
  const many = Array.from({ length: 128 }, (_, n) => ({
    id: 2 * n + 1,
    abstractSyntax: n % 2 === 0 ? CT_IMAGE_STORAGE : '..',
    transferSyntaxes: n % 3 === 0 ? [] : ['1.2.840.10008.1.2'],
  }))
  const peer = await Peer.connect(scp.port)
  peer.send(encodeControlPdu(associateRequest({ presentationContexts: many })))
  const answer = await peer.next()
  const results =
    answer !== 'closed' && answer.type === PduType.AssociateAccept
      ? answer.presentationContexts.map(({ result }) => result)
      : []
  t.same(
    results,
    many.map((_, n) => (n % 2 === 1 ? 3 : n % 3 === 0 ? 4 : 0)),
  )
  peer.socket.destroy()
  const { code } = await run('echoscu', ['127.0.0.1', String(scp.port)])
  t.equal(code, 0)
})

t.test('negotiation keeps the window at one and says who we are', async (t) => {
  const scp = await Scp.start(t, { args: ['--max-pdu-bytes', '65536'] })
  const peer = await Peer.connect(scp.port)
  const userInformation = {
    maxPduLength: 0,
    implementationClassUID: '1.2',
    asynchronousOperations: { invoked: 0, performed: 0 },
    roles: [{ SOPClassUID: CT_IMAGE_STORAGE, scu: true, scp: true }],
  }
  peer.send(encodeControlPdu(associateRequest({ userInformation })))
  t.match(await peer.next(), {
    type: PduType.AssociateAccept,
    userInformation: {
      maxPduLength: 65536,
      implementationVersionName: 'FIONA',
      asynchronousOperations: { invoked: 1, performed: 1 },
      roles: [{ SOPClassUID: CT_IMAGE_STORAGE, scu: true, scp: false }],
    },
  })
  await peer.release()
})

t.test('one association too many is told to come again', async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  writeFileSync(config, JSON.stringify({ receiver: { maxAssociationsPerAddress: 9 } }))
  const args = ['--config', config, '--max-associations', '2']
  const scp = await Scp.start(t, { dataDir, args })
  const first = await Peer.associated(scp.port)
  const second = await Peer.associated(scp.port)
  const third = await Peer.connect(scp.port)
  third.send(encodeControlPdu(associateRequest()))
  t.same(await third.next(), { type: PduType.AssociateReject, result: 2, source: 3, reason: 2 })
  await first.release()
  const fourth = await Peer.associated(scp.port)
  await fourth.release()
  await second.release()
})

t.test('the end of an association is a record where somebody decides by it', dcmtk, async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  const arrival = { quietSeconds: 3600, settledSeconds: 1 }
  writeFileSync(config, JSON.stringify({ projects: { ABCD: { arrival } } }))
  const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
  const file = join(dataDir, 'ct.dcm')
  writeFileSync(file, ctImage())
  t.equal((await run('echoscu', ['127.0.0.1', String(scp.port)])).code, 0)
  t.equal((await run('storescu', ['-xs', '127.0.0.1', String(scp.port), file])).code, 0)
  const [stored, ended] = await scp.recorded(2)
  t.match(ended, {
    type: 'association',
    association: stored?.source?.association,
    end: 'released',
    objects: 1,
    source: { callingAET: 'STORESCU', address: '127.0.0.1' },
  })
  const lines = scp.records.map((record) => `${JSON.stringify({ ...record, project: 'ABCD' })}\n`)
  const args = ['--config', config, '--at-end', 'keep']
  const arrive = start('fiona-arrive', args, { env: { FIONA_STAGE: '' } })
  arrive.stdin?.write(lines.join(''))
  let said = ''
  for await (const chunk of arrive.stdout ?? []) {
    said += String(chunk)
    if (said.includes('"type":"study"')) arrive.stdin?.end()
  }
  t.match(said, /"type":"study".*"quietSeconds":1,/)
})

t.test('a configuration says who may send; the rest is rejected', async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  const receiver = {
    promiscuous: false,
    allow: [{ callingAET: 'SCANNER1', address: '127.0.0.0/8' }],
  }
  writeFileSync(config, JSON.stringify({ receiver }))
  const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
  for (const [changes, reason] of [
    [{ callingAETitle: 'SCANNER2' }, 3],
    [{ callingAETitle: 'SCANNER1', calledAETitle: 'OTHER' }, 7],
  ] as const) {
    const peer = await Peer.connect(scp.port)
    peer.send(encodeControlPdu(associateRequest(changes)))
    t.same(await peer.next(), { type: PduType.AssociateReject, result: 1, source: 1, reason })
  }
  const peer = await Peer.associated(scp.port, { callingAETitle: 'SCANNER1' })
  await peer.release()
})

t.test(
  'below the reserve storage is refused, at the association if possible; echoes are not',
  async (t) => {
    const dataDir = newDataDir(t)
    const config = join(dataDir, 'fiona.yaml')
    writeFileSync(config, JSON.stringify({ receiver: { reserveBytes: Number.MAX_SAFE_INTEGER } }))
    const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
    const early = await Peer.connect(scp.port)
    early.send(encodeControlPdu(associateRequest()))
    t.same(await early.next(), { type: PduType.AssociateReject, result: 2, source: 3, reason: 1 })
    t.match(await scp.logged('association rejected for now'), { code: 'E_DISK_FULL' })
    // Who proposes no storage is let in, but that is no way to store.
    const peer = await Peer.associated(scp.port, {
      presentationContexts: [
        { id: 1, abstractSyntax: VERIFICATION, transferSyntaxes: [syntax.explicit] },
      ],
    })
    peer.send(storePdus(objectOf(1)))
    t.equal(await peer.status(), Status.SOPClassNotSupported)
    peer.send(commandPdus(echoRequest(1), 1))
    t.equal(await peer.status(), Status.success)
    await peer.release()
    t.notOk(existsSync(join(dataDir, 'default')))
    t.notOk(existsSync(join(dataDir, 'quarantine')))
  },
)

t.test('a context of another storage class is taken with a word in the log', async (t) => {
  const scp = await Scp.start(t)
  const MR = '1.2.840.10008.5.1.4.1.1.4'
  const peer = await Peer.associated(scp.port, {
    presentationContexts: [
      { id: 1, abstractSyntax: MR, transferSyntaxes: [syntax.explicit] },
      { id: 3, abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.implicit] },
    ],
  })
  for (const n of [1, 2]) {
    peer.send(storePdus({ ...objectOf(n), MessageID: n }))
    t.equal(await peer.status(), Status.success)
  }
  const [record] = await scp.recorded(2)
  t.match(record, { SOPClassUID: CT_IMAGE_STORAGE, TransferSyntaxUID: syntax.explicit })
  using file = DicomFile.open(record?.path ?? '')
  t.equal(file.string(file.dataSet, 0x00080016), CT_IMAGE_STORAGE, 'read as that context says')
  await peer.release()
  await scp.logged('association released')
  const told = scp.log.filter(({ msg }) => msg.includes('context of another SOP class'))
  t.match(told, [{ abstractSyntax: MR, SOPClassUID: CT_IMAGE_STORAGE }])
  t.equal(told.length, 1, 'once an association')
})

t.test('no context lets in what could not have been agreed itself', async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  writeFileSync(config, JSON.stringify({ receiver: { promiscuous: false } }))
  const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
  const wrong: [what: string, abstractSyntax: string, SOPClassUID: string][] = [
    ['an image in a context for echoes', VERIFICATION, CT_IMAGE_STORAGE],
    ['a worklist', CT_IMAGE_STORAGE, '1.2.840.10008.5.1.4.31'],
    ['a private class, where only standard ones are taken', CT_IMAGE_STORAGE, '1.2.826.0.1.9'],
  ]
  for (const [what, abstractSyntax, SOPClassUID] of wrong) {
    const peer = await Peer.associated(scp.port, {
      presentationContexts: [{ id: 1, abstractSyntax, transferSyntaxes: [syntax.explicit] }],
    })
    peer.send(storePdus({ ...objectOf(1), SOPClassUID }))
    t.match(
      await peer.next(),
      { command: { Status: Status.SOPClassNotSupported, OffendingElement: [0x00000002] } },
      what,
    )
    peer.send(commandPdus(echoRequest(2), 1))
    t.equal(await peer.status(), Status.success, 'and the association goes on')
    await peer.release()
  }
  t.notOk(existsSync(join(dataDir, 'default')), 'nothing is stored')
  t.notOk(existsSync(join(dataDir, 'quarantine')))
})

t.test(
  'REL-14: an archive that cannot be written refuses, and the sender keeps its object',
  async (t) => {
    const dataDir = newDataDir(t)
    const scp = await Scp.start(t, { dataDir })
    // A file where the project's tree should be: like a disk that fails at the last step.
    writeFileSync(join(dataDir, 'default'), '')
    const peer = await Peer.associated(scp.port)
    peer.send(storePdus(objectOf(1)))
    t.equal(await peer.status(), Status.outOfResources)
    await peer.release()
    await scp.logged('association released')
    t.same(scp.incoming(), [])
  },
)

t.test('four associations at once lose nothing', dcmtk, async (t) => {
  const scp = await Scp.start(t, { args: ['--journal', 'received'] })
  const folder = newDataDir(t)
  const sent = new Map<string, string>()
  for (let n = 0; n < 80; n++) {
    const sopUID = `2.25.4${String(n)}`
    const image = ctImage({
      sopUID,
      instanceNumber: n,
      rows: 64,
      columns: 64,
      studyUID: `2.25.${String(n % 4)}`,
    })
    sent.set(sopUID, sha256(dataSetOf(image)))
    mkdirSync(join(folder, String(n % 4)), { recursive: true })
    writeFileSync(join(folder, String(n % 4), `${sopUID}.dcm`), image)
  }
  const codes = await Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      const args = ['+sd', '127.0.0.1', String(scp.port), join(folder, String(n))]
      return (await run(n % 2 === 0 ? 'storescu' : 'dcmsend', args)).code
    }),
  )
  t.same(codes, [0, 0, 0, 0])
  const records = scp.journal()
  t.equal(records.length, 80)
  for (const { SOPInstanceUID, path, duplicate } of records) {
    t.equal(duplicate, false)
    t.equal(basename(path), `${SOPInstanceUID}.dcm`)
    t.equal(sha256(dataSetOf(readFileSync(path))), sent.get(SOPInstanceUID))
  }
  t.equal(await scp.end('SIGTERM'), 0)
  t.same(scp.incoming(), [])
})

t.test(
  'REL-11: kill -9 in the middle: what was answered with success is kept, nothing half is seen',
  async (t) => {
    const dataDir = newDataDir(t)
    const scp = await Scp.start(t, { dataDir, args: ['--journal', 'received'] })
    const answered = new Set<string>()
    const peers = await Promise.all([1, 2, 3].map(() => Peer.associated(scp.port)))
    const enough = new Promise<void>((resolve) => {
      peers.forEach((peer, p) => {
        const send = async (): Promise<void> => {
          for (let n = 0; ; n++) {
            const object = objectOf(p * 10_000 + n, { rows: 128, columns: 128 })
            peer.send(storePdus({ ...object, MessageID: n % 65536 }))
            const heard = await peer.next()
            if (heard === 'closed' || heard.type !== 'command') return
            if (heard.command.Status === 0) answered.add(object.SOPInstanceUID)
            if (answered.size > 60) resolve()
          }
        }
        void send()
      })
    })
    await enough
    await scp.end('SIGKILL')

    const again = await Scp.start(t, { dataDir, args: ['--journal', 'received'] })
    const kept = new Map(again.journal().map((record) => [record.SOPInstanceUID, record]))
    for (const uid of answered) {
      const record = kept.get(uid)
      t.ok(record, `${uid} is in the journal`)
      if (record !== undefined) t.equal(sha256(readFileSync(record.path)), record.sha256)
    }
    const { stdout } = await run('find', [join(dataDir, 'default', 'archive'), '-name', '*.dcm'])
    for (const path of stdout.trim().split('\n')) {
      using file = DicomFile.open(path)
      t.equal(`${file.string(file.dataSet, 0x00080018) ?? ''}.dcm`, basename(path), 'whole')
    }
    const [uid] = answered
    const peer = await Peer.associated(again.port)
    peer.send(
      storePdus(objectOf(Number(uid?.slice('2.25.3001'.length)), { rows: 128, columns: 128 })),
    )
    t.equal(await peer.status(), Status.success)
    t.match(again.journal().at(-1), { SOPInstanceUID: uid, duplicate: true })
  },
)

t.test('SIGTERM within an object: it is ended and answered, then the association', async (t) => {
  const scp = await Scp.start(t)
  const peer = await Peer.associated(scp.port)
  const object = objectOf(1, { rows: 256, columns: 256 })
  const wire = storePdus(object)
  peer.send(wire.subarray(0, 50_000))
  // Answers come in order: when this one is there, the bytes before it are being stored.
  const other = await Peer.associated(scp.port)
  other.send(commandPdus(echoRequest(1), 3))
  await other.status()
  const ended = scp.end('SIGTERM')
  await scp.logged('stopping')
  t.match(await other.next(), { type: PduType.Abort })
  peer.send(wire.subarray(50_000))
  t.equal(await peer.status(), Status.success)
  t.match(await peer.next(), { type: PduType.Abort })
  t.equal(await ended, 0)
  t.match(scp.records, [{ SOPInstanceUID: object.SOPInstanceUID }])
  t.same(scp.incoming(), [])
})

t.test('REL-18: when the reader of the records has gone, no object is acknowledged', async (t) => {
  const scp = await Scp.start(t)
  const peer = await Peer.associated(scp.port)
  peer.send(storePdus(objectOf(1)))
  t.equal(await peer.status(), Status.success)
  const closed = once(scp.child, 'exit') as Promise<[number | null]>
  scp.child.stdout?.destroy()
  peer.send(storePdus({ ...objectOf(2), MessageID: 2 }))
  t.equal(await peer.status(), Status.outOfResources)
  const [code] = await closed
  t.equal(code, 0)
})

t.test('crowds that connect and are silent keep no good sender out', dcmtk, async (t) => {
  const scp = await Scp.start(t)
  const crowd = Array.from({ length: 600 }, () => connect(scp.port, '127.0.0.1'))
  crowd.forEach((socket, n) => {
    socket.on('error', () => undefined)
    if (n % 3 === 0) socket.write(Buffer.from([1, 0, 0]))
  })
  const silent = await Promise.all(Array.from({ length: 30 }, () => Peer.associated(scp.port)))
  const { code } = await run('echoscu', ['-ta', '5', '-td', '5', '127.0.0.1', String(scp.port)])
  t.equal(code, 0)
  for (const socket of crowd) socket.destroy()
  for (const peer of silent) peer.socket.destroy()
})

t.test('when no descriptor is left, it goes on with those who are there', dcmtk, async (t) => {
  const scp = await Scp.start(t, { descriptors: 120 })
  const before = await Peer.associated(scp.port)
  const crowd = Array.from({ length: 300 }, () => connect(scp.port, '127.0.0.1'))
  for (const socket of crowd) socket.on('error', () => undefined)
  await scp.logged('connection turned away')
  before.send(storePdus(objectOf(1)))
  const status = await before.status()
  t.ok(status === Status.success || status === Status.outOfResources, 'stored or refused')
  for (const socket of crowd) socket.destroy()
  let code: number | null = 1
  for (let n = 0; n < 20 && code !== 0; n++) {
    code = (await run('echoscu', ['127.0.0.1', String(scp.port)])).code
  }
  t.equal(code, 0)
  before.send(storePdus({ ...objectOf(1), MessageID: 2 }))
  t.equal(await before.status(), Status.success)
  await before.release()
})
