import { join } from 'node:path'
import type { Config } from '../lib/config/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'
import { defineTool } from '../lib/cli/index.ts'

export default defineTool({
  name: 'fiona-ctl',
  section: 8,
  summary: 'run and manage the standard chain',
  description: `fiona-ctl up (or fiona up) runs the standard chain in the foreground: a receiver for each door, the
    front door and a stage for each step. What dies is started again: at once when it had run for ten seconds, else
    after a growing pause. What dies five times within a minute, or ends with exit code 64 or 78, is failing: it is
    tried on every 30 seconds, and said once. On SIGTERM or Ctrl-C the parts stop in order, each finishing what it
    has in hand. Killed at any moment, it starts again on the same data directory and nothing is lost.

    On a terminal fiona up shows one screen, drawn over twice a second: each part with its restarts, what it has
    before it and its last error, what came in and went out since the start, the disk, and the last trouble. The log of
    all parts goes to <dataDir>/log/chain.log meanwhile, unless stderr leads elsewhere. On a terminal that is dumb, too
    small (60 columns, nine rows more than parts) or in the background it says where to send a study and shows each
    record in a line. Elsewhere its stdout has one JSON object a line for each event, with its time and, but for those of the whole chain, its part: starting (of the
    chain with pid, dataDir, config and ports), started (pid), died (code, signal, lastError), restarting
    (inSeconds), crashLoop (lastError), recovered, stopping, stopped (code, signal). No record is told there:
    fiona-journal follow does that. The log goes to stderr, as ever.

    start, stop, restart, enable, disable and status are the same under systemd (where fiona.target is installed,
    they speak to its units) and without it (they speak to the running chain by <runDir>/control.sock, which only
    its own user can open; start begins it in the background and waits until its door answers). Under systemd start,
    restart and enable make the units follow the configuration: doors of projects, mpps, inboxes and front doors that
    are new there are enabled, those that are gone are stopped. PROJECT means the
    door of that project (projects.*.receiver), default the common one; without it the whole chain is meant.
    start and stop hold until the next start of the chain, enable and disable over restarts: disable closes, enable
    opens. A chain that was disabled as a whole does not start until it is enabled.

    status tells each part, what each stage has before it, and the disk. Its exit code is 0 when all is well and 1
    when something is not. A stage whose pipeline dies again and again is failing there, with what the tool in it said;
    docs/schema/status.json describes --json. check looks for what would go wrong: configuration, rules, keys,
    directories, disk, clock, certificates, ports, destinations (with C-ECHO), units that systemd does not keep from a
    new project; each problem comes with file and line where there is one, and what to do.

    release says that a study (its StudyInstanceUID) is complete: fiona-arrive waits for nothing more. The word goes
    into the journal received, so that nothing that dies loses it; where the chain does not run, it holds when it
    does. A study that is not open is refused. fiona-arrive --explain STUDY tells what it waits for.

    explain says to which project a DICOM file, or each object of a study, goes, and why: each project in order, each
    condition of its match and the value it saw. What is known of how an object came is in the journal received, or in
    the header of an archived file; --calling-aet, --called-aet and --address say it of a file that has not come
    yet, or ask what if. On a terminal it is text, else, and with --json, one JSON object for all objects of the
    same reasons, with the values of the first. It shows values of headers: nothing for a log. For which research project a
    study was requested, and as whom, fiona request STUDY tells.

    migrate reads the config.json of an original FIONA (FILE, or the one that --config names) and prints the
    fiona.yaml that means the same, with comments: what each value was, how to take in what lies in the original's
    trees, and every key that could not be carried over, why, and what to do instead. The log says that, too. No value of such a
    key is shown. Without migration config.json may be given with --config as it is; classifyRules.json beside it
    holds then, too, in the semantics of the original.

    The file enabled of an original FIONA (<dataDir>/config/enabled, else <dataDir>/enabled) is honoured and watched:
    0 as first character closes all doors, as second that of the modalities (MPPS). The third is not
    obeyed: nothing is ever sent that was not de-identified.

    Without a configuration the embedded defaults apply: data in ./var, port 11112, AE title FIONA, and
    de-identified studies are delivered into the folder delivered of the data directory.`,
  arguments: {
    name: 'up|start|stop|restart|enable|disable|status|check [PROJECT], release STUDY, explain FILE|STUDY, migrate [FILE]',
    required: true,
    repeated: true,
    describe: 'what to do, and at which door or with which study',
  },
  options: {
    'data-dir': { type: 'path', describe: 'archive, views, journals', configKey: 'dataDir' },
    port: {
      type: 'integer',
      min: 0,
      max: 65535,
      describe: 'port of the receiver',
      configKey: 'receiver.port',
    },
    'quiet-seconds': {
      type: 'number',
      min: 0,
      describe: 'a study with no new object for this long is complete',
      configKey: 'arrival.quietSeconds',
    },
    json: {
      type: 'boolean',
      describe: 'status: one JSON object; check, explain: one for each finding',
    },
    'calling-aet': { type: 'string', describe: 'explain: as if it came from this AE title' },
    'called-aet': { type: 'string', describe: 'explain: as if it was sent to this AE title' },
    address: { type: 'string', describe: 'explain: as if it came from this address' },
    demo: { type: 'boolean', describe: 'send itself a generated study, show each step, and stop' },
  },
  examples: [
    ['fiona up', 'first use: everything in ./var'],
    ['fiona up --data-dir /var/lib/fiona --port 11112', 'with a data directory of its own'],
    ['fiona-ctl start', 'the same in the background'],
    ['fiona-ctl status --json | jq .trouble', 'what is not well?'],
    ['fiona-ctl disable ABCD', 'close the door of a project until it is enabled again'],
    ['fiona-ctl release 1.2.840.1', 'nothing more comes: this study is complete'],
    ['fiona-ctl explain ct.dcm --calling-aet CT1', 'which project would take this file, and why?'],
    ['fiona-ctl migrate /data/config/config.json > fiona.yaml', 'come from an original FIONA'],
    ['fiona-ctl check', 'before the first start, and after every change'],
    ['fiona up --demo', 'watch a generated study go through'],
  ],
  files: [
    ['<runDir>/control.sock', 'how fiona-ctl speaks to the running chain'],
    ['<dataDir>/disabled.json', 'what was disabled'],
    [
      '<dataDir>/log/chain.log',
      'the log, in the background or under the screen; older ones, of 16 MiB, are chain.log.1 to .4',
    ],
    ['<dataDir>/config/enabled', 'three characters of an original FIONA'],
    ['<runDir>/received.pipe', 'write a path or a record into it: it enters the chain'],
    ['<runDir>/fiona.json', 'the configuration in force; without runDir in it, <dataDir>/run'],
    [
      '<dataDir>/keys/pseudonym.key',
      'made at first start when the configuration names no key; keep a copy',
    ],
  ],
  environment: [['NO_COLOR', 'when not empty: the screen has no colours']],
  exitCodes: {
    65: 'release: no such study is open; explain: no such study, or no DICOM file; migrate: no such file of an original FIONA',
    1: 'status: something is not well; check: there are errors',
    69: 'the port is in use, the chain did not come up, or it does not run',
    77: 'it is disabled, or the chain belongs to another user',
    78: 'the configuration has mistakes',
  },
  seeAlso: ['fiona-scp', 'fiona-stage', 'fiona-journal'],
  async run({ args, options, config, configPath, log, signal, print }) {
    const [word, project, ...more] = args
    if (word === 'release' && project !== undefined && more.length === 0) {
      const { releaseStudy } = await import('../lib/manage/index.ts')
      return releaseStudy({ config: overridden(await config(), options), study: project, print })
    }
    if (word === 'release') throw oneThing('release takes one study', 'release StudyInstanceUID')
    if (word === 'explain') {
      if (project === undefined || more.length > 0) {
        throw oneThing('explain takes one file or study', 'explain FILE|StudyInstanceUID')
      }
      const { explainProject } = await import('../lib/manage/index.ts')
      const { callingAet: callingAET, calledAet: calledAET, address } = options
      await explainProject({
        config: overridden(await config(), options),
        word: project,
        source: {
          ...(callingAET === undefined ? {} : { callingAET }),
          ...(calledAET === undefined ? {} : { calledAET }),
          ...(address === undefined ? {} : { address }),
        },
        json: options.json === true || !process.stdout.isTTY,
        signal,
        print,
        onUnreadable(code, objects) {
          log.warn({ code, objects }, 'objects that cannot be read are not explained')
        },
      })
      return ExitCode.ok
    }
    if (word === 'migrate') {
      const path = project ?? configPath
      if (path === undefined || more.length > 0) {
        throw oneThing('migrate takes one config.json', 'migrate /data/config/config.json')
      }
      const { migrate } = await import('../lib/manage/index.ts')
      await migrate({
        path,
        print,
        onLeft: ({ key, why, instead }) => {
          log.warn({ key, instead }, `not carried over: ${why}`)
        },
      })
      return ExitCode.ok
    }
    if (!isWord(word) || more.length > 0 || (project !== undefined && !takesProject(word))) {
      const message =
        isWord(word) && more.length === 0
          ? `${word} takes no PROJECT`
          : `unknown command ${JSON.stringify(args.join(' '))}`
      throw new FionaError('E_USAGE', message, {
        hint: `there are ${words.join(', ')}, release, explain, migrate; fiona-ctl up runs the chain`,
        exitCode: ExitCode.usage,
      })
    }
    if (word !== 'up') {
      const inForce = overridden(await config(), options)
      const { manage } = await import('../lib/manage/index.ts')
      return manage({
        word,
        project,
        config: inForce,
        json: options.json === true,
        // The chain in the background is told what we were told.
        upWords: Object.entries({
          '--config': configPath,
          '--data-dir': options.dataDir,
          '--port': options.port,
          '--quiet-seconds': options.quietSeconds,
        }).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
        launcher: process.argv[1] ?? 'fiona-ctl',
        signal,
        print,
      })
    }
    const { chainFor, deliveredFolder, person, runChain, withEmbeddedDelivery } =
      await import('../lib/supervise/index.ts')
    const { refuseUnreadable } = await import('../lib/manage/index.ts')
    const inForce = withEmbeddedDelivery(overridden(await config(), options))
    refuseUnreadable(inForce)
    if (options.demo !== true) {
      return runChain({ ...(await chainFor({ config: inForce, log, print })), signal })
    }
    // A demonstration is for people, wherever its text goes.
    const chain = { config: inForce, log, audience: person(print) }
    const { demonstrate } = await import('../lib/demo/index.ts')
    return demonstrate({
      config: inForce,
      deliveredFolder: deliveredFolder(inForce),
      signal,
      print,
      runChain: (run) => runChain({ ...chain, ...run }),
    })
  },
})

const words = ['up', 'start', 'stop', 'restart', 'enable', 'disable', 'status', 'check'] as const
type Word = (typeof words)[number]

function isWord(word: string | undefined): word is Word {
  return words.some((one) => one === word)
}

function takesProject(word: Word): boolean {
  return word !== 'up' && word !== 'status' && word !== 'check'
}

function oneThing(message: string, command: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: `fiona-ctl ${command}`,
    exitCode: ExitCode.usage,
  })
}

/** Nobody wants to watch a demonstration wait. */
const demoQuietSeconds = 3

function overridden(
  config: Config,
  options: {
    readonly dataDir: string | undefined
    readonly port: number | undefined
    readonly quietSeconds: number | undefined
    readonly demo: boolean | undefined
  },
): Config {
  const { dataDir, port } = options
  const quietSeconds =
    options.quietSeconds ?? (options.demo === true ? demoQuietSeconds : undefined)
  return {
    ...config,
    ...(dataDir === undefined ? {} : { dataDir, runDir: join(dataDir, 'run') }),
    receiver: { ...config.receiver, ...(port === undefined ? {} : { port }) },
    arrival: { ...config.arrival, ...(quietSeconds === undefined ? {} : { quietSeconds }) },
  }
}
