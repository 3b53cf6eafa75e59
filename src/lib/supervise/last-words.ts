import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'

const longest = 2000

export interface LastWords {
  readonly error: string
  /** What to do about it. */
  readonly hint: string | undefined
}

/** Why a tool cannot go on comes over its lifeline, besides stderr (lib/cli). */
export function hearLastWords(child: ChildProcess, hear: (words: LastWords) => void): void {
  const lifeline = child.stdio[3] as Socket | null | undefined
  let text = ''
  lifeline?.setEncoding('utf8')
  lifeline?.on('error', () => undefined)
  lifeline?.on('data', (chunk: string) => {
    if (text.length >= longest) return
    text = (text + chunk).slice(0, longest)
    hear(lastWords(text))
  })
}

/** Two lines, as they stand on stderr, too. */
function lastWords(text: string): LastWords {
  const at = text.lastIndexOf('\nhint: ')
  if (at === -1) return { error: text.trim(), hint: undefined }
  return { error: text.slice(0, at).trim(), hint: text.slice(at + '\nhint: '.length).trim() }
}
