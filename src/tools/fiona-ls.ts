import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

const lists = ['studies', 'series', 'projects', 'errors', 'deliveries'] as const
type List = (typeof lists)[number]

export default defineTool({
  name: 'fiona-ls',
  summary: 'list what arrived, what failed, and what was delivered',
  description: `Asks the index that fiona-index keeps. On a terminal it prints a table, newest first, that fits the
    width, and what is shown of how many; control characters in headers are made visible. Otherwise, and with
    --json, it prints one JSON object a line.

    It says so when the index is behind the journals. Where there is none yet, or none that can be read, the
    journals themselves are read, which takes longer. Times on a terminal are local, in JSON UTC.

    A study is arriving until it was found complete; late objects came after that and await the next revision. It
    is failed while there are errors of it that nobody has handed in again (fiona-journal retry errors); fiona ls errors tells them.
    A ! behind its state: values that should be the same differ within the study.

    A delivery is one request of the research side, known by its number alone. It is held until a person decides (in JSON, how
    says with which command), waiting for its delivery, delivered, or failed where not all objects reached every
    destination. One that a person dropped stays held here.`,
  arguments: { name: lists.join('|'), describe: 'what to list; studies unless told' },
  options: {
    'data-dir': { type: 'path', describe: 'journals and index', configKey: 'dataDir' },
    project: { type: 'string', describe: 'of this project alone' },
    since: {
      type: 'string',
      describe:
        'with objects since then: 90m, 24h, 7d, 2w ago; today, yesterday; 2026-11-24, "2026-11-24 13:01", 2026-11-24T13:01:05Z',
    },
    type: {
      type: 'string',
      describe:
        'of this ClassifyType or Modality; of errors, with this code; of deliveries, held, waiting, delivered or failed',
    },
    limit: {
      type: 'integer',
      min: 0,
      describe: 'at most so many, 0 for all (default: 50 on a terminal, else all)',
    },
    json: { type: 'boolean', describe: 'JSON also on a terminal' },
  },
  examples: [
    ['fiona ls studies --since yesterday', 'what came since yesterday'],
    ['fiona ls deliveries --type held', 'what waits for a person?'],
    ['fiona ls series --project ABCD --type ABCD-T1', 'the T1 series of a project'],
    ['fiona ls errors --since 7d --json | jq -r .code | sort | uniq -c', 'what goes wrong?'],
  ],
  exitCodes: { 69: 'SQLite cannot be loaded' },
  seeAlso: ['fiona-index', 'fiona-journal'],
  async run({ args, options, config, log, signal, print, write }) {
    const what = (args[0] ?? 'studies') as List
    if (!lists.includes(what)) {
      throw usage(`there is no list of ${JSON.stringify(what)}`, `there are ${lists.join(', ')}`)
    }
    if (what === 'projects' && options.type !== undefined) {
      throw usage('--type means nothing to projects', 'run fiona-ls --help')
    }
    const dataDir = options.dataDir ?? (await config()).dataDir
    const projections = await import('../lib/projection/index.ts')
    const { pointInTime, visibleJson, visibleText } = await import('../lib/text/index.ts')
    const sinceMs = options.since === undefined ? undefined : pointInTime(options.since, Date.now())
    if (options.since !== undefined && sinceMs === undefined) {
      throw usage(
        `--since does not understand ${JSON.stringify(options.since)}`,
        'write 2h, 7d, yesterday, 2026-11-24 or "2026-11-24 13:01"',
      )
    }
    const opened = await projections.Projection.openToRead(projections.projectionPath(dataDir))
    const notes: string[] = []
    let projection = 'why' in opened ? undefined : opened
    if ('why' in opened) notes.push(`read from the journals, without an index (${opened.why})`)
    else {
      const { lines, more } = await projections.lagOf(opened, dataDir)
      if (lines > 0) {
        notes.push(`the index is ${String(lines)}${more ? ' or more' : ''} records behind`)
      }
    }
    if (notes.length > 0) notes.push('fiona-index --once brings the index up to date')
    if (projection === undefined) {
      projection = await projections.Projection.temporary()
      await projections.readAll(projection, dataDir, signal)
    }
    using open = projection
    const isTable = process.stdout.isTTY && options.json !== true
    const limit = options.limit ?? (isTable ? shownOnTerminal : 0)
    const list = {
      studies: projections.listStudies,
      series: projections.listSeries,
      projects: projections.listProjects,
      errors: projections.listErrors,
      deliveries: projections.listDeliveries,
    }[what]
    const listing = list(open.database, {
      project: options.project,
      sinceMs,
      type: options.type,
      limit: limit === 0 ? undefined : limit,
    })
    if (!isTable) {
      if (notes.length > 0) log.warn(notes.join('; '))
      for (const row of listing.rows) {
        if (signal.aborted) break
        await write(Buffer.from(`${visibleJson(row)}\n`))
      }
      return ExitCode.ok
    }
    const shown = [...listing.rows]
    const { total } = listing
    const table = projections.tableOf(what, shown, process.stdout.columns || 80)
    for (const line of shown.length > 0 ? table : []) await print(line)
    const asked = [
      ...(options.project === undefined ? [] : [` of project ${options.project}`]),
      ...(options.type === undefined ? [] : [` of type ${options.type}`]),
      ...(options.since === undefined ? [] : [` since ${options.since}`]),
    ].join('')
    const count =
      shown.length === total ? String(total) : `${String(shown.length)} of ${String(total)}`
    const more = shown.length === total ? '' : '; --limit 0 shows all'
    await print(visibleText(`${count} ${what}${asked}${more}`))
    if (shown.some(({ state }) => state === 'held')) {
      await print(
        'held: decide with fiona request waiting (before de-identification) or fiona-anon review',
      )
    }
    for (const note of notes) await print(visibleText(note))
    return ExitCode.ok
  },
})

const shownOnTerminal = 50

function usage(message: string, hint: string): FionaError {
  return new FionaError('E_USAGE', message, { hint, exitCode: ExitCode.usage })
}
