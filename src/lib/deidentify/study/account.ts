import { FionaError } from '../../error/index.ts'

/** What became of each object that a record speaks of: every one is in exactly one of these. */
export interface Account {
  /** Objects that were there to be read. */
  readonly received: number
  /** In the outbox, or what would be there if a person let it. */
  readonly made: number
  /** The same object again, byte for byte, under another file name. */
  readonly duplicates: number
  /** Left out, by the rule of the project that says so. */
  readonly excluded: Readonly<Record<string, number>>
  /** Nothing that could go out was made of them: each has its reason. */
  readonly unmade: number
  /** Counted by the record, and not there. */
  readonly missing: number
  /** Of earlier revisions, in the outbox and not among those of this record. */
  readonly earlier: number
  /** Outputs that were read again and searched. */
  readonly searched: number
}

/**
 * Before a study may be seen: nothing of it got lost on the way, and nothing goes out that was not searched.
 * @throws FionaError E_INCOMPLETE; that is a mistake of ours, and nothing goes out with one
 */
export function requireComplete(account: Account): void {
  const { received, made, duplicates, unmade, earlier, searched } = account
  const excluded = Object.values(account.excluded).reduce((sum, count) => sum + count, 0)
  const isComplete = received === made + duplicates + excluded && unmade === 0
  if (isComplete && searched === made + earlier) return
  const counts = { received, made, duplicates, excluded, unmade, earlier, searched }
  const text = Object.entries(counts).map(([name, count]) => `${name} ${String(count)}`)
  throw new FionaError(
    'E_INCOMPLETE',
    `the objects of a study do not add up (${text.join(', ')})`,
    {
      hint: 'nothing of it was delivered; please report this with the counts, which tell nothing of the patient',
    },
  )
}
