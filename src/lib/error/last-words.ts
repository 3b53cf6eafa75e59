import { FionaError } from './fiona-error.ts'

/** What a program that cannot go on tells whoever started it, as its two lines on stderr have it. */
export interface LastWords {
  readonly error: string
  /** What to do about it. */
  readonly hint: string | undefined
}

/** Without a stack: that is for stderr alone. */
export function lastWordsOf(error: unknown): string {
  const hint = error instanceof FionaError ? error.hint : undefined
  const words = `error: ${error instanceof Error ? error.message : String(error)}\n`
  return hint === undefined ? words : `${words}hint: ${hint}\n`
}

/** Of several that spoke one after the other, the first: what it was, the others may have died of. */
export function readLastWords(text: string): LastWords | undefined {
  const [first = ''] = text.split(/\n(?=error: )/)
  const at = first.lastIndexOf('\nhint: ')
  const error = (at === -1 ? first : first.slice(0, at)).trim()
  if (error === '') return undefined
  return { error, hint: at === -1 ? undefined : first.slice(at + '\nhint: '.length).trim() }
}
