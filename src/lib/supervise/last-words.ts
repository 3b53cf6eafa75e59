import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { type LastWords, readLastWords } from '../error/index.ts'

const longest = 2000

/** Why a tool cannot go on comes over its lifeline, besides stderr (lib/cli). */
export function hearLastWords(child: ChildProcess, hear: (words: LastWords) => void): void {
  const lifeline = child.stdio[3] as Socket | null | undefined
  let text = ''
  lifeline?.setEncoding('utf8')
  lifeline?.on('error', () => undefined)
  lifeline?.on('data', (chunk: string) => {
    if (text.length >= longest) return
    text = (text + chunk).slice(0, longest)
    const words = readLastWords(text)
    if (words !== undefined) hear(words)
  })
}
