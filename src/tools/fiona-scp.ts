import { defineTool, keepsakeOfPort, takeKept, tellReady, untilAborted } from '../lib/cli/index.ts'
import type { Config } from '../lib/config/index.ts'

/** The time a connection has for its association request: the ARTIM timer of PS3.8 9.1.5. */
const handshakeMs = 15_000
/** An object in hand gets this long at the end. */
const graceMs = 30_000

export default defineTool({
  name: 'fiona-scp',
  section: 8,
  summary: 'receive DICOM objects (Storage SCP, storage commitment)',
  description: `Listens for DICOM associations, stores every object as it was received and writes an instance record
    for it. It answers success only when the bytes and the record are on stable storage (see --durability):
    the record goes to standard output, or with --journal into a journal.

    It takes all storage SOP classes in every transfer syntax, the first one that the sender proposes; when
    promiscuous (the default) private SOP classes and any called AE title, too. An object of one such class that
    comes in a context of another is taken, and the log says so; a class that is not taken is refused with
    0x0122, whatever its context. C-ECHO is answered. A project whose configuration has a receiver
    (projects.*.receiver: port, aeTitle) gets a door of its own. With --door one process opens one of them; the
    limit of associations then holds for each door.

    Nothing that was received is thrown away for what it says: an object that cannot be read, or that is not
    what its request says, is refused with a status (0xC000, 0xA900) and kept in quarantine with the reason
    beside it. When there is no space, associations for storage are rejected as transient and
    objects refused with 0xA700, and the sender keeps them; C-ECHO is still answered. The same
    object again is not stored twice; its record says duplicate. Another object under a UID that is taken is
    kept beside the first; its record says conflict.

    Storage commitment (N-ACTION) is answered when the request is on stable storage. Each object is then looked
    for in the archive: whole, of the class that was asked for, in the project that the peer sends to. Objects
    still on their way have two seconds. The report (N-EVENT-REPORT) goes out on the association of the request
    while that is open, else on a new one: to the place that receiver.peers gives for the peer's AE title, or to
    the address it called from at receiver.peerPort. It is tried again for a day, over restarts; then an error
    record (E_COMMITMENT_UNREPORTED) tells of it. The other way round, reports of destinations that fiona-send asked
    (verify: commitment) come in by every door, from whoever may call here; they are kept for fiona-send.

    Where the configuration has arrival.settledSeconds, the end of an association that brought objects is a
    record, too, for fiona-arrive.

    On SIGTERM it accepts no more, ends the object in hand, aborts what is still open, and exits.`,
  writes: ['instance', 'association'],
  options: {
    port: {
      type: 'integer',
      min: 0,
      max: 65535,
      describe: 'TCP port; 0 takes a free one, which the log tells',
      configKey: 'receiver.port',
    },
    aet: { type: 'string', describe: 'own AE title', configKey: 'receiver.aeTitle' },
    'data-dir': {
      type: 'path',
      describe: 'archive, quarantine and journals',
      configKey: 'dataDir',
    },
    journal: {
      type: 'string',
      describe: 'write records into this journal (a name, path or URL) instead of standard output',
    },
    durability: {
      type: 'choice',
      choices: ['fsync', 'none'],
      describe: 'sync before success, or leave that to the kernel',
      configKey: 'receiver.durability',
    },
    door: {
      type: 'string',
      describe:
        'open one door alone: default for the common one, or that of the project of this name (default: all)',
    },
    'max-pdu-bytes': {
      type: 'integer',
      min: 4096,
      max: 1_048_576,
      describe: 'longest P-DATA-TF that senders may use',
      configKey: 'receiver.maxPduBytes',
    },
    'max-associations': {
      type: 'integer',
      min: 1,
      describe: 'associations at the same time; one more is rejected as transient',
      configKey: 'receiver.maxAssociations',
    },
    'idle-seconds': {
      type: 'number',
      min: 0.05,
      describe: 'an association in which nothing happens for this long is aborted',
      configKey: 'receiver.idleSeconds',
    },
  },
  examples: [
    [
      'fiona-scp --port 11112 --aet FIONA --data-dir var | jq -r .path',
      'the files as they come in',
    ],
    [
      'fiona-scp --port 11112 --data-dir var --journal received',
      'into the journal that the stages read',
    ],
  ],
  exitCodes: { 69: 'the port is in use', 73: 'the data directory cannot be used' },
  files: [
    [
      '<dataDir>/<project>/archive/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm',
      'the objects, bytes as received behind a file header',
    ],
    ['<dataDir>/incoming/', 'objects on their way'],
    ['<dataDir>/commitment/', 'requests for storage commitment that are not reported yet'],
    ['<dataDir>/transactions/', 'what fiona-send asked destinations for, and what they reported'],
    ['<dataDir>/quarantine/', 'objects that were refused, each with the reason beside it'],
  ],
  seeAlso: ['fiona-import', 'fiona-arrive', 'fiona-journal'],
  async run({ options, config, log, signal, emit, sync }) {
    const [
      { Reception },
      { Intake, openRecordSink, readTlsOptions },
      { Commitment, isAskedAt, peerAddresses },
      { Syncs },
      { DiskTransactions },
    ] = await Promise.all([
      import('../lib/receive/index.ts'),
      import('../lib/intake/index.ts'),
      import('../lib/commitment/index.ts'),
      import('../lib/storage/index.ts'),
      import('../lib/transaction/index.ts'),
    ])
    const file = await config()
    const { receiver } = file
    const dataDir = options.dataDir ?? file.dataDir
    const durability = options.durability ?? receiver.durability
    const maxPduBytes = options.maxPduBytes ?? receiver.maxPduBytes
    const idleMs = (options.idleSeconds ?? receiver.idleSeconds) * 1000
    const tls = await readTlsOptions(file)
    const syncs = new Syncs()
    const intake = new Intake({
      dataDir,
      durability,
      syncs,
      projects: file.projects,
      choice: file.intake,
      reserveBytes: receiver.reserveBytes,
    })
    await intake.prepare()
    const { journal } = options
    const sink = await openRecordSink({
      journal,
      dataDir,
      emit,
      sync,
      writer: 'scp',
      durability,
      syncs,
    })
    const commitment = await Commitment.open({
      dataDir,
      durability,
      intake,
      sink,
      log,
      addressOf: peerAddresses(file),
      isOurs: isAskedAt(options.door, file),
      asked: new DiskTransactions(dataDir),
    })

    const kept = takeKept()
    const sinkLost = new AbortController()
    const reception = await Reception.open({
      syncs,
      durability,
      config: file,
      port: options.port,
      door: options.door,
      aeTitle: options.aet,
      maxAssociations: options.maxAssociations ?? receiver.maxAssociations,
      intake,
      sink,
      maxPduBytes,
      idleMs,
      handshakeMs: Math.min(handshakeMs, idleMs),
      tls,
      descriptorOf: (port) => kept.get(keepsakeOfPort(port)),
      log,
      othersAt: (project) => [commitment.at(project)],
      onStored: (record) => {
        commitment.note(record)
      },
      // A record more for whoever counts lines: only where somebody makes use of it.
      onEnded: needsEnds(file)
        ? (record) => {
            sink.put(record).catch(() => {
              log.warn(
                'the end of an association could not be recorded: its studies wait for the quiet time',
              )
            })
          }
        : undefined,
      onSinkLost: () => {
        sinkLost.abort()
      },
    })
    for (const { port, aeTitle, project } of reception.doors) {
      log.info(
        { port, aet: aeTitle, project, dataDir, durability, tls: tls !== undefined },
        `listening on port ${String(port)}${project === undefined ? '' : ` for project ${project}`}`,
      )
    }
    commitment.start()
    const ports = reception.doors.map(({ port }) => port).join(', ')
    const keep = reception.doors.map(({ port, descriptor }) => {
      return { name: keepsakeOfPort(port), descriptor }
    })
    tellReady({ status: `listening on ${ports}`, dataDir, signal, log, keep, kept })
    await untilAborted(signal, sinkLost.signal)
    log.info('stopping')
    await reception.close(graceMs)
    await commitment.close()
    await sink.close()
    log.info('stopped')
  },
})

/** Does some fiona-arrive decide by the ends of associations? */
function needsEnds({ arrival, projects }: Config): boolean {
  const times = [arrival, ...Object.values(projects).map((project) => project.arrival)]
  return times.some((one) => one?.settledSeconds !== undefined)
}
