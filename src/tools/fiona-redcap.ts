import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'
import { localDay } from '../lib/text/index.ts'

const commands = ['check', 'read', 'status', 'upload', 'dictionary'] as const

export default defineTool({
  name: 'fiona-redcap',
  section: 8,
  summary: 'look at REDCap as FIONA sees it',
  description: `Studies are asked for in REDCap, and what became of them stands there: fiona-request does both, when the configuration has
    requests with redcap. This tool looks at that; upload alone writes.

    check asks each project that is configured for its dictionary and says which fields, choices and repeating instruments FIONA
    needs and does not find. read shows what FIONA would act on, as NDJSON: transfers that are asked for, projects, routing
    rules, couplings, names of AutoID. status shows what waits to be written, since when, and what is wrong; it asks the disk and not REDCap.
    upload FILE brings a coupling table (docs/requests.md) into CouplingList: all of it, or nothing where a line names an unknown or closed
    project, a participant that does not fit its pattern, or another one than stands there. What is there already is not written again;
    what has run out counts anew from today. --dry-run says what would be written.
    dictionary PROJECT prints the data dictionary (CSV) of Incoming, DataTransferProjects, Routing, CouplingList, AutoID or Project (a
    research project's own), to be uploaded when a project is made.

    --record FILE keeps what REDCap answered to check and read, in a form that can be given away: without token, and with
    placeholders in place of all values of records. --replay FILE answers from such a file; nothing goes out.

    The token is in a file of mode 0600, and stands in no message and no log. A server is asked no more often than
    callsPerMinute (default 300), and its certificate has to be valid.`,
  arguments: {
    name: `${commands.join('|')} [FILE|PROJECT]`,
    repeated: true,
    required: true,
    describe: 'what to do',
  },
  options: {
    record: {
      type: 'path',
      describe: 'check, read: keep what was asked and answered in this file',
    },
    replay: { type: 'path', describe: 'check, read: take the answers from this file' },
    'data-dir': { type: 'path', describe: 'status: where it is kept', configKey: 'dataDir' },
    'dry-run': { type: 'boolean', describe: 'upload: look, and write nothing' },
    json: { type: 'boolean', describe: 'check, status: JSON' },
  },
  examples: [
    ['fiona-redcap check', 'can FIONA work with these projects?'],
    [
      'fiona-redcap read | jq -r \'select(.table == "transfers") | .project\' | sort | uniq -c',
      'who asks for how much?',
    ],
    ['fiona-redcap status', 'does anything wait for REDCap?'],
    ['fiona-redcap upload couplings.csv', 'before their studies are sent'],
    ['fiona-redcap dictionary Incoming > incoming.csv', 'to make the project Incoming'],
  ],
  files: [['<dataDir>/state/fiona-request/', 'what was read last, and what waits to be written']],
  exitCodes: {
    65: 'check: something is missing in a project; a recording cannot be read',
    69: 'REDCap does not answer, or not as an API does',
    77: 'REDCap does not let the token do that, or others may read its file',
    78: 'no REDCap is configured, or its token file cannot be used; upload: a line of the table cannot be used',
  },
  seeAlso: ['fiona-request', 'fiona-ctl'],
  async run({ args, options, config, log, print, signal }) {
    const redcaps = await import('../lib/redcap/index.ts')
    const [command = '', ...names] = args
    if (command === 'dictionary') {
      const [name = ''] = names
      const dictionary = Object.hasOwn(redcaps.dictionaries, name)
        ? redcaps.dictionaries[name]
        : undefined
      if (dictionary === undefined) {
        const all = Object.keys(redcaps.dictionaries).join(', ')
        throw usage(`there is no dictionary ${JSON.stringify(name)}`, `there are ${all}`)
      }
      await print(redcaps.dictionaryCsv(dictionary).trimEnd())
      return ExitCode.ok
    }
    if (!(commands as readonly string[]).includes(command)) {
      throw usage(
        `there is no command ${JSON.stringify(command)}`,
        `there are ${commands.join(', ')}`,
      )
    }
    const takes = command === 'upload' ? 1 : 0
    if (names.length !== takes) {
      throw takes === 1
        ? usage('upload takes one FILE', 'name the coupling table: fiona-redcap upload FILE')
        : usage(`${command} takes nothing more`, `leave out ${JSON.stringify(names.join(' '))}`)
    }
    const site = await config()
    const redcap = site.requests.find((one) => one.redcap !== undefined)?.redcap
    if (redcap === undefined) {
      throw new FionaError(
        'E_CONFIG',
        `${site.path ?? 'the configuration'}: no REDCap is configured`,
        {
          hint: 'add it to requests: docs/redcap.md shows how',
          exitCode: ExitCode.badConfig,
        },
      )
    }
    if (command === 'status') {
      return redcaps.showStatus(options.dataDir ?? site.dataDir, options.json === true, print)
    }
    if (options.record !== undefined && options.replay !== undefined) {
      throw usage('--record and --replay exclude each other', 'record first')
    }
    const recording =
      options.record === undefined ? undefined : redcaps.recordExchanges(options.record)
    const between =
      recording?.between ??
      (options.replay === undefined ? undefined : await redcaps.replayExchanges(options.replay))
    const projects = await redcaps.openProjects(
      redcap,
      log,
      between === undefined ? {} : { between },
    )
    try {
      if (command === 'upload') {
        const [file = ''] = names
        const { readTableFile, tableName } = await import('../lib/request/index.ts')
        const { rows } = await readTableFile(file)
        const isDry = options.dryRun === true
        const { written, there } = await redcaps.uploadCouplings(projects, tableName(file), rows, {
          today: localDay(new Date()),
          isDry,
          signal,
        })
        const what = isDry ? 'would be written' : 'written'
        await print(`${String(written)} entries ${what}, ${String(there)} are there already`)
        return ExitCode.ok
      }
      return command === 'check'
        ? await redcaps.showChecks(projects, { isJson: options.json === true, print, signal })
        : await redcaps.showTables(projects, { print, signal })
    } finally {
      projects.close()
      await recording?.save()
    }
  },
})

function usage(message: string, hint: string): FionaError {
  return new FionaError('E_USAGE', message, { hint, exitCode: ExitCode.usage })
}
