import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { findIdentity } from './find-identity.ts'
import { makeDemoStudy } from './make-demo-study.ts'
import { Progress } from './progress.ts'
import { resultTable } from './result-table.ts'
import { sendOverNetwork } from './send-over-network.ts'

/** Longer than any machine needs; shorter than anybody waits. */
const patienceMs = 120_000

export interface Demonstration {
  readonly config: Config
  /** Where de-identified studies are delivered to, when it is a folder of this machine. */
  readonly deliveredFolder: string | undefined
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
  /** Runs the chain until `signal`, telling of each record that reaches a journal. */
  readonly runChain: (options: {
    readonly signal: AbortSignal
    readonly seen: (journal: string, record: AnyRecord) => void
  }) => Promise<number>
}

/**
 * The whole chain, shown: makes studies, sends them over the network to the chain it started, waits
 * until each is either delivered or held, says what happened in a table, and looks for the patients'
 * identity in what was delivered.
 * @throws FionaError E_DEMO when something is missing or an identity was found
 */
export async function demonstrate(options: Demonstration): Promise<number> {
  const { config, deliveredFolder, signal, print } = options
  const over = new AbortController()
  const progress = new Progress()
  const chain = options.runChain({
    signal: AbortSignal.any([signal, over.signal]),
    seen: (journal, record) => {
      progress.see(journal, record)
    },
  })
  // Told to those who wait for it below; a rejection before they do is not an unhandled one.
  chain.catch(() => undefined)
  const folder = await mkdtemp(join(tmpdir(), 'fiona-demo-'))
  try {
    const { files, identities } = await makeDemoStudy(folder)
    progress.follow(files.map(({ StudyInstanceUID }) => StudyInstanceUID))
    const until = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    await Promise.race([endedTooEarly(chain), sendAndWait()])
    await print(resultTable(progress))
    if (progress.errors.length > 0) throw failed(progress.errors.join('\n  '))
    const delivered = await filesOf(progress, deliveredFolder)
    const search = await findIdentity(delivered, identities)
    if (search.found.length > 0) {
      throw failed(`the delivered files hold identifying values: ${search.found.join('; ')}`)
    }
    await print(
      `Looked for ${search.values} identifying values of the patients in ${search.files} delivered files: none found.`,
    )

    async function sendAndWait(): Promise<void> {
      await sendOverNetwork(files, config, until, print)
      await progress.finished(until).catch(() => {
        throw failed(`not everything came through in ${patienceMs / 1000} seconds`)
      })
    }
  } finally {
    over.abort()
    await rm(folder, { recursive: true, force: true })
  }
  await chain
  return ExitCode.ok
}

/** The chain ending first (a port in use, say) is the answer, not something to wait behind. */
async function endedTooEarly(chain: Promise<number>): Promise<never> {
  await chain
  throw failed('the chain ended before the demonstration did')
}

/** The files of this demonstration, as they were delivered or, to elsewhere, as they lie in the outbox. */
async function filesOf(progress: Progress, folder: string | undefined): Promise<string[]> {
  const files: string[] = []
  for (const record of progress.deidentified) {
    const study =
      folder === undefined ? record.path : join(folder, record.participant, record.StudyInstanceUID)
    const names = await readdir(study, { recursive: true, withFileTypes: true })
    files.push(
      ...names
        .filter((each) => each.isFile())
        .map(({ parentPath, name }) => join(parentPath, name)),
    )
  }
  if (files.length === 0) throw failed('no file was delivered')
  return files
}

function failed(message: string): FionaError {
  return new FionaError('E_DEMO', message, {
    hint: 'fiona-journal cat errors and fiona-journal cat held show the records',
    exitCode: ExitCode.internal,
  })
}
