import { FionaError } from '../error/index.ts'
import type { DeidentifiedRecord } from '../record/index.ts'
import { type Ledgers, isUntouched } from './ledger/ledger.ts'
import { listFiles } from './list-objects.ts'
import type { Outcome } from './outcome.ts'

export interface Dropped {
  readonly isKnown: boolean
  /** Objects that there are to deliver. */
  readonly expected: number
  /** Names of those that the destination has. */
  readonly there: readonly string[]
  /** Why it ended; and that nobody knows what is there, where that is so. */
  readonly error: FionaError
}

/** What a destination has of a delivery that a person ends. */
export async function lookUpDropped(
  { path, instances, requestId }: DeidentifiedRecord,
  destinationUrl: string,
  ledgers: Ledgers,
  error: FionaError,
): Promise<Dropped> {
  const files = await listFiles(path).catch((trouble: unknown) => {
    if (trouble instanceof FionaError) return []
    throw trouble
  })
  const expected = Math.max(instances, files.length)
  try {
    const ledger = await ledgers.open(destinationUrl, requestId)
    const there = files.filter((file) => isUntouched(file, ledger.find(file.name)))
    await ledger.close()
    return { isKnown: true, expected, there: there.map(({ name }) => name), error }
  } catch (trouble) {
    if (!(trouble instanceof FionaError)) throw trouble
    const { code, message, hint, exitCode } = error
    const told = `${message}; what the destination has of it is not known: ${trouble.message}`
    return {
      isKnown: false,
      expected,
      there: [],
      error: new FionaError(code, told, { hint, exitCode }),
    }
  }
}

/** Of a delivery that this process did not try. */
export function outcomeOfDropped({ isKnown, expected, there, error }: Dropped): Outcome {
  return {
    isKnown,
    sent: 0,
    sentBefore: there.length,
    failures: [],
    alsoMissing: isKnown ? expected - there.length : 0,
    converted: [],
    error,
    attempts: 0,
    seconds: 0,
    verified: false,
    committed: false,
    uncommitted: [],
  }
}
