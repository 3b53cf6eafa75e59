import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { makeDemoStudy } from './make-demo-study.ts'
import { Progress } from './progress.ts'
import { findIdentity } from './find-identity.ts'
import { sendOverNetwork } from './send-over-network.ts'

/** Longer than any machine needs; shorter than anybody waits. */
const patienceMs = 120_000

export interface Demonstration {
  readonly config: Config
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
  /** Runs the chain until `signal`, telling of each record that reaches a journal. */
  readonly runChain: (options: {
    signal: AbortSignal
    seen: (journal: string, record: AnyRecord) => void
  }) => Promise<number>
}

/**
 * The whole chain, shown: makes studies, sends them over the network to the chain it started, waits
 * until each object is either delivered or held, looks for the patients' identity in what was
 * delivered, and says what happened in a table.
 * @throws FionaError E_DEMO when something is missing or an identity was found
 */
export async function demonstrate(options: Demonstration): Promise<number> {
  const { config, signal, print } = options
  const over = new AbortController()
  const progress = new Progress()
  const chain = options.runChain({
    signal: AbortSignal.any([signal, over.signal]),
    seen: (journal, record) => {
      progress.see(journal, record)
    },
  })
  const folder = await mkdtemp(join(tmpdir(), 'fiona-demo-'))
  try {
    const study = await makeDemoStudy(folder)
    const until = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    progress.follow(study.files.map(({ StudyInstanceUID }) => StudyInstanceUID))
    // The chain ending first (a port in use, say) is the answer, not something to wait behind.
    const ended = chain.then((): never => {
      throw new FionaError('E_DEMO', 'the chain ended before the demonstration did')
    })
    await Promise.race([
      ended,
      (async () => {
        await sendOverNetwork(study.files, config, until, print)
        await progress.finished(until)
      })(),
    ])
    await print(progress.table())
    await tellOfIdentity(await findIdentity(progress.deliveredFiles(config), study.identities))
  } finally {
    over.abort()
    await rm(folder, { recursive: true, force: true })
  }
  await chain
  return ExitCode.ok

  async function tellOfIdentity(search: {
    files: number
    values: number
    found: readonly string[]
  }): Promise<void> {
    if (search.found.length > 0) {
      throw new FionaError(
        'E_DEMO',
        `the delivered files hold identifying values: ${search.found.join('; ')}`,
      )
    }
    await print(
      `Looked for ${search.values} identifying values of the patients in ${search.files} delivered files: none found.`,
    )
  }
}
