import { defineTool } from '../lib/cli/index.ts'
import type { Destination } from '../lib/deliver/index.ts'
import { ExitCode } from '../lib/error/index.ts'

/** To finish the object that is being sent when we are told to stop. */
const graceMs = 5000

export default defineTool({
  name: 'fiona-send',
  summary: 'Deliver de-identified studies to their destinations',
  description: `
    For each deidentified record its study is delivered, and a transfer record says how that ended, one for
    each destination. Deidentified records are consumed; all others pass. What goes is every .dcm file below
    the path of the record that says it belongs to that study. Symbolic links are not followed. Objects are
    sent as they are: no bit of a data set is changed. Only where a DICOM destination does not take the transfer
    syntax of an object, and its pixels are native, it is written in explicit or implicit VR little endian,
    without loss; the transfer record then has converted: from, to, instances.

    Destinations are those of the record's project in the configuration (projects.X.destinations), or the one
    of --destination: dicom://CALLEDAET@host:port, dicoms://CALLEDAET@host:port (TLS), https://host/dicom-web
    (STOW-RS; the DICOMweb root), sftp://user@host:port/path, s3://bucket/prefix, file:/path or file:relative for a folder, or the
    name of a destination in the configuration. Certificates, keys and secrets come from files that the
    configuration names, more CAs from NODE_EXTRA_CA_CERTS. Other schemes are refused at start.
    docs/delivery.md tells of each way, and of windows, bandwidth and priority.

    A folder, that of an SSH server, and a bucket of an S3 store below the prefix, gets
    <folder>/<participant>/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm. A name appears when its file is whole and on stable storage; a store checks SHA-256 and MD5 of what it takes. The same bytes under that name count as delivered;
    other bytes are never replaced, unless a later revision of the study brings the object anew.

    With packages: tgz in the configuration a folder, or that of an SSH server, gets each series as one file instead: NAME.tgz, NAME.md5sum and
    NAME.json, NAME being the participant, the event, and the new UIDs of study and series. --verify find then waits for the MD5 that the server computes
    (NAME.md5sum_server, or md5server_cache.tar).

    An object counts as sent when the destination answered with success or a warning (PS3.4 B.2.3); a web
    service must name it as stored (PS3.18 10.5.3). Out of
    resources (A7xx), a processing failure, an association that ends, silence and rejections for now are
    tried again, later each time; a study that has to wait steps aside for the next one. Other refusals, a
    rejection for good (called AE title not recognized) and a SOP class or transfer syntax that is not
    accepted are not. In a stage a destination that does not let us in (rejection, login, certificate, host key, keys of a store, secret) ends no
    delivery: all of its wait, one is tried after retry.maxDelaySeconds, and fiona-send status says why. With --verify find the destination is asked by C-FIND or QIDO-RS for each series, a bucket for a list of the study, and what it
    does not have is sent again. When it cannot be asked, the transfer record says sent, and verified: false,
    and an error record behind it why (E_NOT_VERIFIED).

    With --verify commitment the destination is asked to take responsibility for what it has taken (storage
    commitment, PS3.4 J), 1,000 objects a question. Its report is heard on the association of the question,
    which stays open for a moment; or on one that the destination opens: to the port of --report-port, or to
    that of a fiona-scp on the same data directory, which hands it over. So the destination must know where our
    AE title listens. Only when it has committed itself to every object the transfer record says committed:
    true, and verified. What it says it does not have is sent again. Without a report within an hour (in a stage;
    by hand within a minute: commitment.waitSeconds) it is asked again, three times in all (by hand twice:
    commitment.asks); then the record says sent, committed: false, and an error record why (E_NO_REPORT). Other
    studies go on meanwhile, and a restart waits for the same reports.

    The ledger notes each object that a destination has taken or refused, by request and file digest. So a record that
    comes again, a later revision, or a restart after a crash sends what is missing and nothing else. It knows that for ever,
    and how each delivery ended. What has more than a few lines is packed when its delivery has ended (gzip; zcat shows it). To have
    a request delivered anew, remove its files from the ledger.

    A delivery that ends with something missing gives a transfer record (partial, refused, with failures) and
    behind it an error record that holds the deidentified record; the exit code is then 1. In a stage the
    error record goes to the journal errors. Replayed from there, it sends what is missing.

    Within fiona-stage, with --data-dir, or with a configuration (below its dataDir), studies that wait for
    their delivery are on disk: a mark passes them, one destination that is down holds up no other, and
    killed at any moment fiona-send goes on where it was. What was said and is not known to have been taken is
    said again, word for word. SIGTERM finishes the object in hand; the end of the input within a stage leaves
    for the next start what waits to be tried again. By hand the end of the input waits for every delivery.

    By hand without --data-dir and configuration, memory is all there is: a second run sends everything
    again, a mark waits for everything before it, and what was not delivered when it was stopped comes out as
    an error record.

    Commands tell of deliveries and decide about them, beside the filter, while it runs in a stage and when nothing runs:
    status says of each destination whether it answers, since when, its last error, window and hold, and what waits;
    explain of a study or request, for each destination, why it waits, what is next and when, or how it ended: what was delivered, when, and whether that was
    verified; what was refused, with what the peer said and what to do; what the project had left out. retry tries now what
    waits for a later try. hold lets a destination or a request wait until release, over restarts; a study in hand is finished.
    drop ends the deliveries of a request for good: the transfer record says what was sent, an error record (E_DROPPED)
    who ended it and why. Without a running fiona-send retry and drop are done at its next start. Each decision is kept with who, why, when and
    what became of it. Write no names of patients into --because.`,
  arguments: {
    name: 'status|explain|retry|hold|release|drop [NAME]',
    repeated: true,
    describe:
      'explain: a StudyInstanceUID or requestId; retry (all, without), hold, release: a destination or requestId; drop: a requestId',
  },
  reads: ['deidentified'],
  writes: ['transfer'],
  options: {
    destination: {
      type: 'string',
      describe: 'where everything goes: a URL, or a name from the configuration',
      configKey: 'projects.X.destinations',
    },
    'calling-aet': {
      type: 'string',
      describe: 'our AE title (default: FIONA)',
      configKey: 'destinations.X.callingAET',
    },
    verify: {
      type: 'choice',
      choices: ['none', 'commitment', 'find'],
      describe: 'ask the destination what it has (default: none)',
      configKey: 'destinations.X.verify',
    },
    'report-port': {
      type: 'integer',
      min: 1,
      max: 65535,
      describe: 'listen here for reports of storage commitment (default: fiona-scp hears them)',
      configKey: 'destinations.X.commitment.port',
    },
    retries: {
      type: 'integer',
      min: 0,
      max: 1000,
      describe: 'tries after the first that brought nothing (default: 2 for a URL, else 12)',
      configKey: 'destinations.X.retry.max',
    },
    'data-dir': {
      type: 'path',
      describe: 'keep ledger and waiting deliveries below this directory',
      configKey: 'dataDir',
    },
    by: { type: 'string', describe: 'retry, hold, release, drop: who decides; drop needs it' },
    because: { type: 'string', describe: 'retry, hold, release, drop: why; drop needs it' },
    json: { type: 'boolean', describe: 'status, explain: JSON also on a terminal' },
  },
  examples: [
    [
      'fiona-anon --key-file k --out out < requests.ndjson | fiona-send --destination dicom://ORTHANC@127.0.0.1:4242',
      'de-identify and send',
    ],
    ['fiona-send --destination file:/mnt/research --data-dir var < outbox.ndjson', 'into a folder'],
    [
      'fiona-journal cat errors | jq -c \'select(.tool == "fiona-send" and .code != "E_DROPPED" and (.record | type) == "object").record\' | fiona-send --config fiona.yaml',
      'try again what was given up',
    ],
    ['fiona-send status', 'which destination is down, and what waits?'],
    ['fiona-send explain 7Q2M0V9ZK4T1C8XB3NHD', 'has this arrived? If not, why?'],
    [
      'fiona-send drop 7Q2M0V9ZK4T1C8XB3NHD --by "A. Smith" --because "consent withdrawn"',
      'end a delivery for good',
    ],
  ],
  files: [
    [
      '<dataDir>/state/fiona-send/ledger/<destination>/<requestId>.ndjson, .ndjson.gz',
      'what each destination has; what stands in the first came later',
    ],
    ['<dataDir>/state/fiona-send/ledger/studies.ndjson', 'which requests each study has there'],
    [
      '<dataDir>/transactions/',
      'what destinations were asked to commit themselves to, and what they reported',
    ],
    [
      '<dataDir>/state/fiona-send/waiting/<stage>/',
      'deliveries taken and not yet ended, or not yet known to be read; the stage is hand outside of fiona-stage',
    ],
    ['<dataDir>/state/fiona-send/spool/<stage>/', 'packages on their way'],
    ['<dataDir>/state/fiona-send/status/<stage>/', 'how each destination stands'],
    ['<dataDir>/state/fiona-send/orders/<stage>/', 'retry and drop, until they are done'],
    ['<dataDir>/state/fiona-send/holds/', 'what is held'],
    ['<dataDir>/state/fiona-send/decisions.ndjson', 'who decided what, why, and what became of it'],
  ],
  environment: [
    ['FIONA_STAGE', 'the stage this runs in; set by fiona-stage'],
    ['NODE_EXTRA_CA_CERTS', 'PEM file with further certificate authorities for dicoms:'],
  ],
  exitCodes: {
    1: 'done, but something was not delivered: see the error records',
    65: 'a command about something that does not wait; explain: neither waits nor was delivered',
    64: 'a destination on the command line that cannot be used',
    78: 'a destination in the configuration that cannot be used',
  },
  seeAlso: ['fiona-anon', 'fiona-stage', 'fiona-journal'],
  async run({ args, options, config, configPath, log, emit, sync, signal, filter, print }) {
    const {
      Courier,
      Desk,
      DiskLedgers,
      DurableWaiting,
      ForgetfulWaiting,
      MemoryLedgers,
      chooseDestinations,
      listenForReports,
      readCommand,
      runCommand,
    } = await import('../lib/deliver/index.ts')
    const { DiskTransactions, MemoryTransactions } = await import('../lib/transaction/index.ts')
    const { inside, safeComponent } = await import('../lib/storage/index.ts')
    // Who asks matters to commands alone: a filter begins without.
    const who = args.length === 0 ? '' : (await import('../lib/crosswalk/index.ts')).personWhoRuns()
    const said = readCommand(args, options, who, process.stdout.isTTY)
    if (said !== undefined) {
      const settings = await config()
      const state = inside(options.dataDir ?? settings.dataDir, 'state', 'fiona-send')
      return runCommand(said, { print, state, config: settings })
    }
    const stage = process.env['FIONA_STAGE'] || undefined
    const isConfigured = configPath !== undefined || stage !== undefined
    const settings = isConfigured || options.destination === undefined ? await config() : undefined
    const destinations = chooseDestinations(options, settings)
    const dataDir = options.dataDir ?? (isConfigured ? settings?.dataDir : undefined)
    const state = (...parts: readonly string[]): string =>
      inside(dataDir ?? '', 'state', 'fiona-send', ...parts)
    const stopped = new AbortController()
    signal.addEventListener('abort', () => setTimeout(() => stopped.abort(), graceMs).unref())
    const transactions =
      dataDir === undefined ? new MemoryTransactions() : new DiskTransactions(dataDir)
    const desk = dataDir === undefined ? undefined : await Desk.open(state(), stage ?? 'hand', log)
    const courier = new Courier({
      destinations,
      ledgers: dataDir === undefined ? new MemoryLedgers() : new DiskLedgers(state('ledger')),
      waiting:
        dataDir === undefined
          ? new ForgetfulWaiting()
          : await DurableWaiting.open(
              state('waiting', safeComponent(stage ?? 'hand')),
              stage === undefined ? 'writing' : 'marks',
              sync,
            ),
      transactions,
      owner: stage ?? 'hand',
      inStage: stage !== undefined,
      emit,
      log,
      now: () => performance.now(),
      halt: { stopping: signal, stopped: stopped.signal },
      desk,
      // Only a configuration asks for packages, and it has a data directory.
      spool: state('spool', safeComponent(stage ?? 'hand')),
    })
    const listeners = await Promise.all(
      reportPorts(destinations.all).map((port) => listenForReports(port, transactions, log)),
    )
    await courier.resume()
    const code = await Promise.race([filter(courier), courier.trouble])
    await desk?.close()
    await courier.close()
    await Promise.all(listeners.map((listener) => listener.close()))
    return code === ExitCode.ok && courier.incomplete > 0 ? ExitCode.someErrors : code
  },
})

/** Where destinations are told to report to us, each once. */
function reportPorts(destinations: readonly Destination[]): number[] {
  const ports = destinations.flatMap(({ verify, commitment: { port } }) =>
    verify === 'commitment' && port !== undefined ? [port] : [],
  )
  return [...new Set(ports)]
}
