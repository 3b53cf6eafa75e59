import { realpathSync } from 'node:fs'
import { delimiter, dirname } from 'node:path'
import { defineTool, tellReady } from '../lib/cli/index.ts'
import { standardStageNames, standardStages } from '../lib/chain/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

export default defineTool({
  name: 'fiona-stage',
  summary: 'run a shell pipeline between two journals',
  description: `Feeds the records of one journal through a pipeline, appends what comes out to another, and only then
    moves its cursor. Kill anything at any moment: started again it goes on where it was. Nothing is lost;
    what was in flight (at most 10,000 records or 16 MiB, and 256 KiB more) is done again, which is harmless.

    Between the records it puts {"type":"mark","seq":N,"committed":M}. A filter passes a mark on when
    everything before it has taken effect durably; when mark N comes out, all before it is committed.
    committed tells the filters how far that has come. Output waits up to a second for the mark behind it.
    The tools of FIONA do all this, and so does a program that copies what it does not know and prints
    each line at once: cat, sed -u, jq --unbuffered -c, grep --line-buffered.

    A pipeline that drops marks, such as jq -c 'select(.type == "study")', or that keeps its last lines in a
    buffer, works as well: what it was given is committed when it has ended well after the end of its input.
    When a first mark has not come out after five seconds, the pipeline is ended and started again for each
    batch of records, as soon as the input pauses for 20 ms. That is right for filters without memory.
    Beside a filter that waits, such as fiona-arrive, let marks pass at once:
    jq --unbuffered -c 'select(.type == "mark" or .type == "study")'.

    The pipeline runs in bash, in a process group of its own, with PATH beginning with the tools of FIONA.
    (Not in sh: it cannot tell that the first command of a pipeline has died.) What the shell leaves behind
    in that group is ended with it. Its input and output are sockets: programs must read stdin, since
    /dev/stdin cannot be opened. The pipeline ended well when it has
    read all of its input (head -n 1 has not), and each of its commands ended with 0, or with 1, which says that error records were written. Otherwise nothing after
    the last committed mark counts, and it is started again after a growing pause. When it fails three times
    at the same place, what was in flight is run in smaller and smaller parts; a record that ends the
    pipeline three times alone goes to the journal errors with code E_STAGE_POISON, and the chain goes on.
    When a tool of FIONA in it gives up and the next mark does not come out, its input is closed, so that those who
    wait for that tool end, too.
    Exit codes that speak of the surroundings (69, 73 to 75, 77, 78, 126, 127) blame no record, nor does a
    pipeline that fails without input.

    Records of type error go to the journal errors, with the stage added, and held ones to held; a stage
    that reads or writes one of these leaves such records on the main way. A line that is no record becomes an error record.

    With --workers N the pipeline runs N times side by side. All records of one StudyInstanceUID run through the
    same copy, in their order; those without one through the first. A mark goes to all of them, and counts when
    it has come out of all. When one copy fails, all are started again. Filters that remember (fiona-arrive,
    fiona-send) do so for each copy, under names that tell N: change N when they hold nothing.

    A pipeline whose input has ended and that then does nothing for --drain-seconds (at least 5: it prints nothing,
    computes nothing, reads and writes nothing) hangs: it is ended, which is a failure like others.

    One that would go on without end is ended as well, and the record that makes it do so is looked for at once, since
    each try is dear: one that prints more than --flood-mib without a mark coming out (where marks are dropped: in one run),
    or more than 20,000 lines that are no records; and one that for --stuck-seconds neither reads nor writes nor prints
    while it owes something, whether it computes, waits, or does not read its input. After a flood, nothing that has no
    mark behind it is appended, and no more than 32 MiB of it are kept, until something has been committed. Of a line
    longer than 16 MiB nothing is kept but an error record. One that goes on reading or writing elsewhere is not noticed.

    On SIGTERM it stops feeding, lets the pipeline drain, commits what comes out, and exits with 0. What does not
    drain in --drain-seconds is ended, and done again next time. When the stage itself is killed, its pipeline
    is ended, at the latest by the next stage of that name before it begins. One process at a time runs
    the stages of one name; a second one waits for --wait-seconds and exits with 75.`,
  restName: "'shell pipeline'",
  options: {
    standard: {
      type: 'choice',
      choices: standardStageNames,
      describe: 'run this stage of the standard chain, in place of --from, --to and a pipeline',
    },
    from: { type: 'string', describe: 'journal to read: a name, a path or a URL' },
    to: { type: 'string', describe: 'journal to append to' },
    name: {
      type: 'string',
      describe: 'names the cursor and the state of the filters (default: FROM-TO)',
    },
    once: { type: 'boolean', describe: 'stop at the end of the journal' },
    'data-dir': {
      type: 'path',
      describe: 'where journals are, also for the tools in the pipeline',
      configKey: 'dataDir',
    },
    workers: {
      type: 'integer',
      min: 1,
      max: 64,
      default: 1,
      describe: 'copies of the pipeline, each with studies of its own',
    },
    'drain-seconds': {
      type: 'number',
      min: 0,
      default: 30,
      describe:
        'how long the pipeline may take to finish after SIGTERM, or do nothing after the end of its input',
    },
    'flood-mib': {
      type: 'integer',
      min: 0,
      default: 256,
      describe: 'how much may be printed without a mark coming out, in MiB; 0: no limit',
    },
    'stuck-seconds': {
      type: 'number',
      min: 0,
      default: 900,
      describe:
        'how long what was fed may be kept without reading, writing or printing; 0: no limit',
    },
    'wait-seconds': {
      type: 'number',
      min: 0,
      default: 10,
      describe: 'how long to wait for another process that runs this stage',
    },
  },
  examples: [
    ['fiona-stage --standard organize', 'a stage of the standard chain by its name'],
    [
      "fiona-stage --name organize --from received --to organized -- 'fiona-arrive | fiona-classify | fiona-organize'",
      'the first stage of the standard chain',
    ],
    [
      `fiona-stage --once --from organized --to ct -- 'jq -c "select(.type == \\"study\\")"'`,
      'copy the studies so far into a journal of their own',
    ],
    [
      "fiona-stage --workers 4 --from organized --to slow -- 'slow-filter'",
      'four at a time, each study in its order',
    ],
  ],
  environment: [
    [
      'FIONA_STAGE',
      'set for the pipeline: the name of the stage; with workers NAME.1-of-4 and so on',
    ],
    ['FIONA_STAGE_WORKER', 'set for the pipeline when there are workers: which one it is, from 1'],
    [
      'FIONA_LAST_WORDS_FD',
      'set for the pipeline: where a tool of FIONA that gives up says why, for fiona-ctl status',
    ],
    ['FIONA_STAGE_TO', 'set for the pipeline: the journal that its output goes to'],
    ['FIONA_DATA_DIR', 'set for the pipeline when --data-dir is given: overrides dataDir'],
  ],
  files: [
    ['<journal>/cursors/<name>.json', 'how far the stage has come; remove it to begin anew'],
    ['<journal>/cursors/<name>.lease-*', 'which process runs it'],
    [
      '<journal>/cursors/<name>.failing',
      'while its pipeline fails: since when, and how it ended last',
    ],
    ['<dataDir>/journal/errors/, held/', 'where such records go'],
  ],
  exitCodes: {
    1: 'with --once: done, but error records were written',
    69: 'with --once: the pipeline fails again and again',
    75: 'another process runs this stage',
  },
  seeAlso: ['fiona-journal', 'fiona-arrive', 'fiona-ctl'],
  async run({ options, rest, config, configPath, log, signal }) {
    const { from, to, pipeline, ...chosen } = await whatToRun(options, rest, config)
    const { checkedName, findJournal, journalName, journalPath, locateJournal } =
      await import('../lib/journal/index.ts')
    const { runStage } = await import('../lib/stage/index.ts')
    const dataDir = options.dataDir ?? (await config()).dataDir
    const name = chosen.name ?? `${journalName(from)}-${journalName(to)}`
    return runStage({
      name: checkedName('stage', name),
      from: options.once ? await findJournal(dataDir, from) : locateJournal(dataDir, from),
      to: locateJournal(dataDir, to),
      errors: journalPath(dataDir, 'errors'),
      held: journalPath(dataDir, 'held'),
      pipeline,
      workers: options.workers,
      fromName: from.includes('/') ? undefined : from,
      once: options.once === true,
      environment: pipelineEnvironment({
        FIONA_STAGE: name,
        FIONA_STAGE_TO: to.includes('/') ? locateJournal(dataDir, to) : to,
        FIONA_CONFIG: configPath,
        FIONA_DATA_DIR: options.dataDir,
      }),
      log,
      signal,
      drainMs: options.drainSeconds * 1000,
      limits: {
        floodBytes: options.floodMib === 0 ? Infinity : options.floodMib * 1024 * 1024,
        stuckMs: options.stuckSeconds === 0 ? Infinity : options.stuckSeconds * 1000,
      },
      waitMs: options.waitSeconds * 1000,
      begun: () => {
        tellReady({ status: `running stage ${name}`, dataDir, signal, log })
      },
    })
  },
})

interface ToRun {
  readonly name: string | undefined
  readonly from: string
  readonly to: string
  readonly pipeline: string
}

/** @throws FionaError E_USAGE; E_CONFIG for a stage that the configuration does not ask for */
async function whatToRun(
  options: {
    readonly standard: string | undefined
    readonly name: string | undefined
    readonly from: string | undefined
    readonly to: string | undefined
  },
  rest: readonly string[],
  config: () => Promise<Parameters<typeof standardStages>[0]>,
): Promise<ToRun> {
  const { standard, name, from, to } = options
  const [pipeline, ...more] = rest
  if (standard !== undefined) {
    const isMixed = [name, from, to, pipeline].some((given) => given !== undefined)
    if (isMixed) {
      throw usage(
        '--standard says all: it excludes --name, --from, --to and a pipeline',
        'leave these out, or --standard',
      )
    }
    const stage = standardStages(await config()).find((one) => one.name === standard)
    if (stage !== undefined) return stage
    throw new FionaError('E_CONFIG', `the configuration asks for no stage ${standard}`, {
      hint: 'it is there when requests has an entry; without one nothing is to be run',
      exitCode: ExitCode.badConfig,
    })
  }
  if (from === undefined || to === undefined) {
    throw usage(
      `option --${from === undefined ? 'from' : 'to'} is needed`,
      'name the journal, or a stage of the chain with --standard; see fiona-stage --help',
    )
  }
  if (pipeline === undefined || more.length > 0) {
    throw usage(
      pipeline === undefined ? 'the pipeline is missing' : 'the pipeline must be one argument',
      "write it in quotes after --: -- 'first | second'",
    )
  }
  return { name, from, to, pipeline }
}

function usage(message: string, hint: string): FionaError {
  return new FionaError('E_USAGE', message, { hint, exitCode: ExitCode.usage })
}

function pipelineEnvironment(own: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  // The launcher this runs from lies beside all the others.
  const tools = dirname(realpathSync(process.argv[1] ?? '.'))
  return {
    ...process.env,
    PATH: `${tools}${delimiter}${process.env['PATH'] ?? ''}`,
    ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
  }
}
