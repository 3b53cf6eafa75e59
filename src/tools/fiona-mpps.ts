import { defineTool, keepsakeOfPort, takeKept, tellReady, untilAborted } from '../lib/cli/index.ts'

/** The time a connection has for its association request: the ARTIM timer of PS3.8 9.1.5. */
const handshakeMs = 15_000
/** A request in hand gets this long at the end. */
const graceMs = 30_000
/** Where neither option nor configuration says. */
const usualPort = 4007

export default defineTool({
  name: 'fiona-mpps',
  section: 8,
  summary: 'hear from modalities what they do (Modality Performed Procedure Step SCP)',
  description: `Listens for DICOM associations in which modalities say that a procedure step begins (N-CREATE),
    which series and objects it has made, and that it is completed or discontinued (N-SET). Each change makes
    an mpps record of the whole step: to standard output, or with --journal into a journal. Success is
    answered when the record and the step's file are on stable storage. C-ECHO is answered.

    Strict is the state: a step is created IN PROGRESS and once; what is COMPLETED or DISCONTINUED cannot be
    changed (0x0110 with Error ID 0xA710); COMPLETED needs performed series, each with its UID; patient,
    schedule, station and start cannot be changed by N-SET; a UID must be one. Where modalities are
    careless, and nothing depends on it, they are let through: attributes of type 2 may be missing, and so
    may protocol names and the end of the step; a repeated or empty attribute that N-SET may not change is
    passed over; a discontinued step needs no series.

    A modality that did not hear an answer asks again, and is answered as before: the same N-CREATE or final
    N-SET once more counts as repeated until the modality has gone on, or released the association, and as a
    mistake (0x0111, 0x0110) from then on.

    Who may associate is configured with the receiver: its AE title, allow list, number of associations and
    certificates count here, too. On SIGTERM it accepts no more, ends the request in hand, aborts what is
    still open, and exits.`,
  writes: ['mpps'],
  options: {
    port: {
      type: 'integer',
      min: 0,
      max: 65535,
      describe: `TCP port (default: ${String(usualPort)}); 0 takes a free one, which the log tells`,
      configKey: 'mpps.port',
    },
    aet: { type: 'string', describe: 'own AE title', configKey: 'receiver.aeTitle' },
    'data-dir': { type: 'path', describe: 'steps and journals', configKey: 'dataDir' },
    journal: {
      type: 'string',
      describe: 'write records into this journal (a name, path or URL) instead of standard output',
    },
  },
  examples: [
    [
      'fiona-mpps --port 4007 --data-dir var | jq -c "[.status, .attributes.Modality]"',
      'what the scanners are doing',
    ],
    [
      'fiona-mpps --port 4007 --data-dir var --journal received',
      'into the journal that the stages read',
    ],
  ],
  exitCodes: { 69: 'the port is in use', 73: 'the data directory cannot be used' },
  files: [
    [
      '<dataDir>/mpps/<MPPSInstanceUID>.json',
      'each step: all that was said of it, in the DICOM JSON Model (PS3.18 annex F). Nothing removes them; one that is final is needed no more',
    ],
  ],
  seeAlso: ['fiona-scp', 'fiona-arrive', 'fiona-journal'],
  async run({ options, config, log, signal, emit, sync }) {
    const [
      { MppsScp, StepStore, Steps },
      { DicomServer },
      { Access, FreeSpace, openRecordSink, readTlsOptions },
    ] = await Promise.all([
      import('../lib/mpps/index.ts'),
      import('../lib/dimse/index.ts'),
      import('../lib/intake/index.ts'),
    ])
    const file = await config()
    const { receiver, mpps } = file
    const { maxPduBytes, promiscuous, allow, maxAssociations, maxAssociationsPerAddress } = receiver
    const dataDir = options.dataDir ?? file.dataDir
    const idleMs = receiver.idleSeconds * 1000
    const aeTitle = options.aet ?? receiver.aeTitle
    const tls = await readTlsOptions(file)
    const store = new StepStore(dataDir)
    await store.prepare()
    const { journal } = options
    const sink = await openRecordSink({ journal, dataDir, emit, sync, writer: 'mpps' })

    const sinkLost = new AbortController()
    const steps = new Steps({
      store,
      sink,
      freeSpace: new FreeSpace(dataDir, receiver.reserveBytes),
      log,
      onSinkLost: () => {
        sinkLost.abort()
      },
    })
    const access = new Access({
      aeTitle,
      promiscuous,
      allow,
      maxAssociations,
      maxAssociationsPerAddress,
    })
    const scp = new MppsScp({ steps, access, maxPduBytes, log })
    const kept = takeKept()
    const port = options.port ?? mpps?.port ?? usualPort
    const server = await DicomServer.listen(scp, scp, {
      port,
      descriptor: kept.get(keepsakeOfPort(port)),
      maxPduBytes,
      idleMs,
      handshakeMs: Math.min(handshakeMs, idleMs),
      ...(tls === undefined ? {} : { tls }),
    })
    log.info(
      { port: server.port, aet: aeTitle, dataDir, tls: tls !== undefined },
      `listening on port ${String(server.port)}`,
    )
    tellReady({
      status: `listening on ${String(server.port)}`,
      dataDir,
      signal,
      log,
      keep: [{ name: keepsakeOfPort(server.port), descriptor: server.descriptor }],
      kept,
    })
    await untilAborted(signal, sinkLost.signal)
    log.info('stopping')
    await server.stop(graceMs)
    await steps.close()
    await sink.close()
    log.info('stopped')
  },
})
