import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { CommandField, PduType, Status, echoRequest } from '../../src/lib/dimse/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { Peer, commandPdus, dataPdus } from '../dimse/peer.ts'
import { dataSetBytes, el, sq, syntax } from '../fixtures/dicom-writer.ts'
import { binDir, run } from '../fixtures/peers.ts'
import {
  MPPS,
  beginning,
  createPdus,
  ending,
  modality,
  performed,
  scheduled,
  setPdus,
} from '../mpps/messages.ts'
import { Scp, newDataDir } from './scp.ts'

const series = { '2.25.1001.1': ['2.25.1001.1.1', '2.25.1001.1.2'] }
const uid = '2.25.7001'

function startMpps(t: Test, options: Parameters<typeof Scp.start>[1] = {}): Promise<Scp> {
  return Scp.start(t, { tool: 'fiona-mpps', ...options })
}
const records = (scp: Scp) => scp.records as unknown as readonly AnyRecord[]
const steps = (scp: Scp) => readdirSync(join(scp.dataDir, 'mpps')).sort()

t.test('--help says what it does, and a wrong option what is right', async (t) => {
  const help = await run('fiona-mpps', ['--help'])
  t.equal(help.code, 0)
  t.match(help.stdout, /Modality Performed Procedure Step SCP/)
  const wrong = await run('fiona-mpps', ['--prot', '1'])
  t.equal(wrong.code, 64)
  t.match(wrong.stderr, /--port/)
})

t.test('a port in use, or no place for steps, ends it at its start', async (t) => {
  const scp = await startMpps(t)
  const args = ['--port', String(scp.port), '--data-dir', newDataDir(t)]
  t.match(await run('fiona-mpps', args), {
    code: 69,
    stderr: `error: port ${String(scp.port)} is in use\nhint: `,
  })
  const dataDir = newDataDir(t)
  writeFileSync(join(dataDir, 'mpps'), 'in the way')
  t.match(await run('fiona-mpps', ['--port', '0', '--data-dir', dataDir]), {
    code: 73,
    stderr: /error: nothing can be kept in .*\nhint: /,
  })
})

t.test(
  'SEC-32: a step from its beginning to its end: records before answers, no patient in the log',
  async (t) => {
    const scp = await startMpps(t, { args: ['--aet', 'RIS'] })
    const peer = await modality(scp.port)
    peer.send(createPdus(uid, beginning()))
    t.match(await peer.message(), {
      command: {
        CommandField: CommandField.NCreateResponse,
        AffectedSOPClassUID: MPPS,
        AffectedSOPInstanceUID: uid,
        MessageIDBeingRespondedTo: 1,
        Status: 0,
        CommandDataSetType: 0x0101,
      },
    })
    t.match(await scp.recorded(1), [{ type: 'mpps', status: 'IN PROGRESS' }])
    peer.send(setPdus(uid, [performed(series)]))
    t.equal(await peer.status(), Status.success)
    peer.send(setPdus(uid, ending('COMPLETED', series)))
    t.match(await peer.message(), {
      command: {
        CommandField: CommandField.NSetResponse,
        AffectedSOPClassUID: MPPS,
        AffectedSOPInstanceUID: uid,
        Status: 0,
      },
    })
    peer.send(setPdus(uid, ending('COMPLETED', series)))
    t.match(await peer.message(), {
      command: {
        Status: 0x0110,
        ErrorID: 0xa710,
        ErrorComment: 'Performed Procedure Step Object may no longer be updated',
      },
    })
    await peer.release()
    t.match(records(scp), [
      { status: 'IN PROGRESS', series: [] },
      { status: 'IN PROGRESS', series: [{ SeriesInstanceUID: '2.25.1001.1' }] },
      {
        status: 'COMPLETED',
        MPPSInstanceUID: uid,
        StudyInstanceUID: '2.25.1001',
        series: [{ instances: ['2.25.1001.1.1', '2.25.1001.1.2'] }],
        source: { callingAET: 'CT1', calledAET: 'FIONA', address: '127.0.0.1' },
        attributes: { PatientID: 'EX-0007', Modality: 'CT' },
      },
    ])
    t.same(steps(scp), [`${uid}.json`])
    await scp.logged('association released')
    t.equal(await scp.end('SIGTERM'), 0)
    t.notMatch(
      JSON.stringify(scp.log),
      /EX-0007|Example\^Step|19700101/,
      'no line names the patient',
    )
  },
)

t.test(
  'SEC-01, SEC-03, SEC-04, SEC-10, SEC-14: every way of saying nothing that can be believed has its status',
  async (t) => {
    const scp = await startMpps(t)
    const peer = await modality(scp.port)
    const cut = dataSetBytes(beginning()).subarray(0, -7)
    const nested = Buffer.concat(
      Array.from({ length: 20_000 }, () =>
        Buffer.from('0800401153510000fffffffffeff00e0ffffffff', 'hex'),
      ),
    )
    const flood = Buffer.alloc(9 << 20)
    const many = Buffer.concat(
      Array.from({ length: 300_000 }, () => Buffer.from('090001104c4f0000', 'hex')),
    )
    const cases: readonly (readonly [what: string, wire: Buffer, status: number])[] = [
      ['a path as SOP instance', createPdus('../../../tmp/x', beginning()), 0x0117],
      ['a shell command', createPdus('$(touch /tmp/fiona-x);`id`', beginning()), 0x0117],
      ['an absolute path', createPdus('/etc/cron.d/x', beginning()), 0x0117],
      ['dots', createPdus('..', beginning()), 0x0117],
      ['a NUL inside', createPdus('1.2\0/../x', beginning()), 0x0117],
      ['65 digits', createPdus('1'.repeat(65), beginning()), 0x0117],
      ['dots as study', createPdus(uid, beginning(scheduled('..'))), 0x0106],
      ['a path as series', createPdus(uid, beginning(performed({ '/etc/x': [] }))), 0x0106],
      ['created COMPLETED', createPdus(uid, beginning(el(0x00400252, 'CS', 'COMPLETED'))), 0x0106],
      ['no study', createPdus(uid, beginning(sq(0x00400270, []))), 0x0121],
      ['an empty data set', createPdus(uid, Buffer.alloc(0)), 0x0120],
      ['a data set cut short', createPdus(uid, cut), 0x0106],
      ['noise', createPdus(uid, Buffer.alloc(5000, 0xa5)), 0x0106],
      ['sequences 20,000 deep', createPdus(uid, nested), 0x0213],
      ['nine megabytes', createPdus(uid, flood), 0x0213],
      ['300,000 elements', createPdus(uid, many), 0x0213],
      ['6,000 attributes', createPdus(uid, many.subarray(0, 6000 * 8)), 0x0213],
      ['the schedule as text', createPdus(uid, beginning(el(0x00400270, 'LO', 'x'))), 0x0121],
      ['another class', createPdus(uid, beginning(), { AffectedSOPClassUID: '1.2.3' }), 0x0118],
      ['a step nobody created', setPdus('2.25.9', ending('COMPLETED', series)), 0x0112],
      ['a path to set', setPdus('../2.25.9', ending('COMPLETED', series)), 0x0117],
      ['no SOP instance to set', setPdus('', ending('COMPLETED', series)), 0x0117],
      [
        'N-CREATE without data set',
        commandPdus({
          AffectedSOPClassUID: MPPS,
          CommandField: CommandField.NCreateRequest,
          MessageID: 1,
          CommandDataSetType: 0x0101,
        }),
        0x0120,
      ],
      ['N-GET', createPdus(uid, beginning(), { CommandField: 0x0110 }), 0x0211],
      ['C-STORE', createPdus(uid, beginning(), { CommandField: 0x0001 }), 0x0211],
      ['N-CREATE in the context of C-ECHO', echoContext(createPdus(uid, beginning())), 0x0211],
    ]
    for (const [what, wire, status] of cases) {
      peer.send(wire)
      const { command } = await peer.message()
      t.equal(command.Status?.toString(16), status.toString(16), what)
      t.match(command.ErrorComment, /^[ -~]{1,64}$/, what)
    }
    t.same(steps(scp), [], 'nothing was kept')
    t.same(scp.records, [], 'nothing was said')
    t.notOk(existsSync('/tmp/fiona-x'))
    peer.send(commandPdus(echoRequest(1), 3))
    t.equal(await peer.status(), Status.success)
    peer.send(createPdus(uid, beginning()))
    t.equal(await peer.status(), Status.success, 'the association goes on')
    await peer.release()
  },
)

/** The same message in the presentation context of verification. */
function echoContext(pdus: Buffer): Buffer {
  const copy = Buffer.from(pdus)
  for (let at = 0; at < copy.length; at += 6 + copy.readUInt32BE(at + 2)) copy[at + 10] = 3
  return copy
}

t.test('a commanding modality without name for its step gets one', async (t) => {
  const scp = await startMpps(t)
  const peer = await modality(scp.port)
  peer.send(createPdus(undefined, beginning()))
  const { command } = await peer.message()
  const given = command.AffectedSOPInstanceUID ?? ''
  t.match(given, /^2\.25\.\d{1,39}$/)
  peer.send(setPdus(given, ending('DISCONTINUED', {})))
  t.equal(await peer.status(), Status.success)
  await peer.release()
  t.match(records(scp), [{ MPPSInstanceUID: given }, { status: 'DISCONTINUED' }])
})

t.test('who may not associate with the receiver may not here', async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  writeFileSync(
    config,
    'receiver: { aeTitle: RIS, promiscuous: false, allow: [{ callingAET: CT1 }], maxAssociations: 1 }\n',
  )
  const scp = await startMpps(t, { dataDir, config })
  const answers = async (callingAETitle: string, calledAETitle: string): Promise<unknown> => {
    try {
      const peer = await Peer.associated(scp.port, { callingAETitle, calledAETitle })
      await peer.release()
      await scp.logged('association released')
      return 'accepted'
    } catch (error) {
      return (JSON.parse(/\{.*\}/.exec(String(error))?.[0] ?? '{}') as { reason: number }).reason
    }
  }
  t.equal(await answers('CT2', 'RIS'), 3, 'calling AE title not recognized')
  t.equal(await answers('CT1', 'FIONA'), 7, 'called AE title not recognized')
  t.equal(await answers('-oProxy=`id`', 'RIS'), 3)
  t.equal(await answers('CT1', 'RIS'), 'accepted')
})

t.test('only steps and C-ECHO are accepted, uncompressed or deflated', async (t) => {
  const scp = await startMpps(t)
  const peer = await Peer.connect(scp.port)
  const propose = (id: number, abstractSyntax: string, ...transferSyntaxes: string[]) => ({
    id,
    abstractSyntax,
    transferSyntaxes,
  })
  peer.send({
    type: PduType.AssociateRequest,
    protocolVersion: 1,
    calledAETitle: 'FIONA',
    callingAETitle: 'CT1',
    applicationContext: '1.2.840.10008.3.1.1.1',
    presentationContexts: [
      propose(1, MPPS, syntax.jpegBaseline, syntax.implicit, syntax.explicit),
      propose(3, MPPS, syntax.jpegBaseline),
      propose(5, '1.2.840.10008.5.1.4.1.1.2', syntax.implicit),
      propose(7, '1.2.840.10008.3.1.2.3.4', syntax.implicit),
    ],
    userInformation: { maxPduLength: 16384, implementationClassUID: '2.25.7' },
  })
  t.match(await peer.next(), {
    presentationContexts: [
      { id: 1, result: 0, transferSyntax: syntax.implicit },
      { id: 3, result: 4 },
      { id: 5, result: 3 },
      { id: 7, result: 3 },
    ],
  })
  const command = {
    AffectedSOPClassUID: MPPS,
    CommandField: CommandField.NCreateRequest,
    MessageID: 1,
    CommandDataSetType: 0,
    AffectedSOPInstanceUID: uid,
  }
  const implicit = dataSetBytes(beginning(), { explicitVR: false })
  peer.send(Buffer.concat([commandPdus(command), dataPdus(implicit)]))
  t.equal(await peer.status(), Status.success)
  t.match(await scp.recorded(1), [{ attributes: { PatientName: 'Example^Step' } }])
  await peer.release()
})

t.test('SEC-11, SEC-20: what is no DICOM is turned away, and the next is served', async (t) => {
  const scp = await startMpps(t)
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.from('16030102000100' + '01fc0303'.repeat(40), 'hex'),
    Buffer.concat([Buffer.from('0100ffffffff', 'hex'), Buffer.alloc(1 << 20)]),
  ]) {
    const peer = await Peer.connect(scp.port)
    peer.send(bytes)
    t.match(await peer.next(), { type: PduType.Abort })
    peer.socket.destroy()
  }
  // Cut off within a data set: nothing of it is kept.
  const cut = await modality(scp.port)
  const wire = createPdus(uid, beginning())
  cut.send(wire.subarray(0, -20))
  cut.socket.end()
  await scp.logged('association ended')
  t.same(steps(scp), [])
  const peer = await modality(scp.port)
  peer.send(createPdus(uid, beginning()))
  t.equal(await peer.status(), Status.success)
  await peer.release()
})

t.test('REL-11: SIGKILL at any moment loses nothing that was answered', async (t) => {
  const dataDir = newDataDir(t)
  const answered = new Map<string, string>()
  const args = ['--journal', 'received']
  for (let round = 0; round < 6; round++) {
    const scp = await startMpps(t, { dataDir, args })
    const exit = once(scp.child, 'close')
    const work = [1, 2, 3].map(async (n) => {
      const peer = await modality(scp.port)
      for (let step = 0; ; step++) {
        const name = `2.25.${String(round)}${String(n)}${String(step)}`
        peer.send(createPdus(name, beginning()))
        if ((await peer.status()) !== 0) throw new Error('refused')
        answered.set(name, 'IN PROGRESS')
        peer.send(setPdus(name, ending('COMPLETED', series)))
        if ((await peer.status()) !== 0) throw new Error('refused')
        answered.set(name, 'COMPLETED')
        if (n === 1 && step === 2 + round) scp.child.kill('SIGKILL')
      }
    })
    const ends = await Promise.allSettled(work)
    t.ok(ends.every((end) => end.status === 'rejected' && /no message/.test(String(end.reason))))
    await exit
  }
  t.ok(answered.size > 30, `${String(answered.size)} steps`)
  const last = await startMpps(t, { dataDir, args })
  const told = new Map<unknown, unknown>()
  for (const record of last.journal() as unknown as AnyRecord[]) {
    // Each round writes a segment of its own; a step is in one round.
    if (told.get(record['MPPSInstanceUID']) !== 'COMPLETED') {
      told.set(record['MPPSInstanceUID'], record['status'])
    }
  }
  const peer = await modality(last.port)
  for (const [name, status] of answered) {
    const kept = JSON.parse(readFileSync(join(dataDir, 'mpps', `${name}.json`), 'utf8')) as {
      dataSet: Record<string, { Value?: unknown[] }>
    }
    const [found] = kept.dataSet['00400252']?.Value ?? []
    // One that was not answered any more may have got further than we heard.
    if (status === 'COMPLETED') t.equal(found, 'COMPLETED', name)
    if (status === 'COMPLETED') t.equal(told.get(name), 'COMPLETED', 'and it has its record')
    else t.ok(told.has(name))
    peer.send(setPdus(name, ending('COMPLETED', series)))
    const again = await peer.status()
    t.ok(again === 0 || status === 'COMPLETED', `${name}: whoever lost an answer gets it`)
  }
  await peer.release()
  t.same(
    readdirSync(join(dataDir, 'mpps')).filter(
      (name) => !/^[\d.]+\.json$/.test(name) && !/^\..*tmp$/.test(name),
    ),
    [],
  )
  t.equal(await last.end('SIGTERM'), 0)
})

/** What its log says it listens on. */
async function portOf({ stderr }: ChildProcess): Promise<number> {
  if (stderr === null) throw new Error('no stderr')
  let port = 0
  for await (const line of createInterface({ input: stderr })) {
    port = Number(/listening on port (\d+)/.exec(line)?.[1] ?? 0)
    if (port > 0) break
  }
  stderr.resume()
  return port
}

t.test(
  'REL-18: a reader of stdout that goes away ends it, and nothing is answered with success',
  async (t) => {
    const child = spawn(join(binDir, 'fiona-mpps'), ['--port', '0', '--data-dir', newDataDir(t)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const exit = once(child, 'close') as Promise<[number | null]>
    const port = await portOf(child)
    child.stdout.destroy()
    const peer = await modality(port)
    peer.send(createPdus(uid, beginning()))
    t.equal((await peer.message()).command.Status, Status.resourceLimitation)
    const [code] = await exit
    t.equal(code, 0)
  },
)

t.test('stdout may be a file, and holds whole records only', async (t) => {
  const dataDir = newDataDir(t)
  const out = join(dataDir, 'out.ndjson')
  const fd = openSync(out, 'w')
  const child = spawn(join(binDir, 'fiona-mpps'), ['--port', '0', '--data-dir', dataDir], {
    stdio: ['ignore', fd, 'pipe'],
  })
  closeSync(fd)
  t.teardown(() => child.kill('SIGKILL'))
  const port = await portOf(child)
  const peer = await modality(port)
  for (let n = 0; n < 20; n++) {
    peer.send(createPdus(`2.25.${String(n)}`, beginning()))
    t.equal(await peer.status(), Status.success)
    const lines = readFileSync(out, 'utf8').split('\n').slice(0, -1)
    t.equal(lines.length, n + 1, 'the record is there before the answer')
    t.match(JSON.parse(lines.at(-1) ?? ''), { type: 'mpps', MPPSInstanceUID: `2.25.${String(n)}` })
  }
  await peer.release()
  child.kill('SIGTERM')
  t.same((await once(child, 'close'))[0], 0)
})
