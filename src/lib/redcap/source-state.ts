import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../storage/index.ts'

/** How things are between this site and REDCap, for people; without patients. */
export interface SourceState {
  readonly v: 1
  /** ISO 8601, as all times here. */
  readonly time: string
  /** Studies that REDCap does not have as they are. */
  readonly waiting: number
  /** Since when the longest of them does. */
  readonly waitingSince: string | null
  /** Studies that were written since the start. */
  readonly written: number
  /** When everything was read last. */
  readonly lastReadAt: string | null
  readonly lastWrittenAt: string | null
  /** Of those that wait: REDCap takes them not, as they are. */
  readonly refused: number
  readonly trouble: {
    readonly code: string
    readonly message: string
    readonly hint: string | null
  } | null
}

function pathOf(directory: string): string {
  return join(directory, 'state.json')
}

export async function saveState(directory: string, state: SourceState): Promise<void> {
  const text = `${JSON.stringify(state)}\n`
  await writeFileAtomic(pathOf(directory), text, { durable: false })
}

/** @returns undefined where none was written yet */
export async function loadState(directory: string): Promise<SourceState | undefined> {
  try {
    const state = JSON.parse(await readFile(pathOf(directory), 'utf8')) as Partial<SourceState>
    return state.v === 1 ? (state as SourceState) : undefined
  } catch (error) {
    const isNone =
      error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isNone) return undefined
    throw error
  }
}
