import { constants, setPriority } from 'node:os'
import { dirname } from 'node:path'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'
import type { AnyRecord } from '../lib/record/index.ts'

export default defineTool({
  name: 'fiona-index',
  summary: 'keep an SQLite index of what arrived, for fiona ls',
  description: `Makes <dataDir>/index/index.sqlite from the journals received, organized, errors, held, outbox and sent. It is a
    projection, never the truth: it can be removed at any time and made again. Rows and the position in the journals are committed
    together, so that it may be killed at any moment, and several may run at once.

    --once reads what the journals hold beyond the index, and ends. --follow does so and waits for more.
    --rebuild begins with an empty index, then is --once. An index that is damaged, or of another version, is
    set aside as index.sqlite.set-aside and made again. Pruning a journal removes nothing from the index; what was
    pruned before a rebuild comes from the archive, as in the last example.

    With none of these it is a filter: instance, series and study records are put into the index, and all records
    are passed on as they are. A mark is passed on when what stands before it is committed.

    The index holds names of patients: it has mode 0640. No research identity stands in it. All else of FIONA works
    where SQLite (the library better-sqlite3) cannot be loaded.`,
  reads: ['instance', 'series', 'study'],
  options: {
    'data-dir': { type: 'path', describe: 'journals and index', configKey: 'dataDir' },
    once: { type: 'boolean', describe: 'read the journals up to their end' },
    follow: { type: 'boolean', describe: 'read the journals and wait for more' },
    rebuild: { type: 'boolean', describe: 'empty the index first, then as --once' },
  },
  examples: [
    ['fiona-index --follow', 'keep it up to date'],
    ['fiona-index --rebuild', 'make it again'],
    [
      'fiona-import --in-place /var/lib/fiona/default/archive | fiona-index > /dev/null',
      'put in what the journals no longer hold',
    ],
  ],
  exitCodes: {
    69: 'SQLite cannot be loaded',
    74: 'the index cannot be written',
    75: 'another process writes into it for long',
  },
  files: [
    ['<dataDir>/index/index.sqlite', 'the index'],
    ['<dataDir>/index/index.sqlite.set-aside', 'one that was damaged or of another version'],
  ],
  seeAlso: ['fiona-ls', 'fiona-journal'],
  async run({ options, config, log, signal, filter }) {
    const { once, follow, rebuild } = options
    if ([once, follow, rebuild].filter((given) => given === true).length > 1) {
      throw new FionaError('E_USAGE', '--once, --follow and --rebuild exclude each other', {
        hint: 'run fiona-index --help',
        exitCode: ExitCode.usage,
      })
    }
    const dataDir = options.dataDir ?? (await config()).dataDir
    const { followJournals, Projection, projectionPath } =
      await import('../lib/projection/index.ts')
    const { makeDirectories } = await import('../lib/storage/index.ts')
    const { tellReady } = await import('../lib/cli/index.ts')
    const path = projectionPath(dataDir)
    await makeDirectories(dirname(path))
    const { journalPath, prunedUpTo } = await import('../lib/journal/index.ts')
    const pruned = await prunedUpTo(journalPath(dataDir, 'received'))
    const tellOfPruned = (): void => {
      if (pruned === undefined) return
      const upTo = new Date(pruned).toISOString()
      log.warn(
        { upTo },
        'journals were pruned: what is older comes from the archive, see the last example of fiona-index --help',
      )
    }
    const onSetAside = (why: string, aside: string): void => {
      log.warn({ path, aside }, `the index is set aside and made again: ${why}`)
      tellOfPruned()
    }
    if (rebuild === true) {
      tellOfPruned()
      using projection = await Projection.open(path, onSetAside)
      projection.clear()
    }
    if (once === true || follow === true || rebuild === true) {
      if (follow === true) {
        giveWay()
        tellReady({ status: 'keeping the index', dataDir, signal, log })
      }
      await followJournals(path, { dataDir, follow: follow === true, signal, onSetAside })
      return ExitCode.ok
    }
    using projection = await Projection.open(path, onSetAside)
    let waiting: AnyRecord[] = []
    const commit = (): void => {
      if (!projection.isInPlace()) {
        throw new FionaError('E_INDEX', `the index ${path} was replaced by another process`, {
          hint: 'run it again: what was put in twice counts once',
          retryable: true,
          exitCode: ExitCode.tryAgain,
        })
      }
      projection.takeRecords(waiting)
      waiting = []
    }
    // Awaited here: the index is closed when this function ends.
    return await filter({
      handles: ['instance', 'series', 'study'],
      record(record) {
        waiting.push(record)
        if (waiting.length >= mostWaiting) commit()
        return record
      },
      mark: commit,
      end() {
        commit()
        return undefined
      },
    })
  },
})

const mostWaiting = 1000

/** What receives and delivers has the processor first. */
function giveWay(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Its unit forbids that, and says the same (Nice=).
  }
}
