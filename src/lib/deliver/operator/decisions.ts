import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeDirectories } from '../../storage/index.ts'

/** Who decided what, why, when, and what became of it: a line each, never removed. */
export interface Decision {
  readonly do: string
  readonly destination?: string | undefined
  readonly requestId?: string | undefined
  readonly by: string
  readonly because?: string
  readonly time: string
  readonly outcome: string
  readonly done: string
}

/** On stable storage when this returns. */
export async function noteDecision(path: string, decision: Decision): Promise<void> {
  await makeDirectories(dirname(path))
  const file = await open(path, 'a', 0o640)
  try {
    // A line of its own, also behind one that a failing machine left torn.
    await file.write(`\n${JSON.stringify(decision)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}
