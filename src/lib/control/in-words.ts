import type { PartReport, SiteStatus, StageReport } from './status-schema.ts'

/** What a stage has before it, and how long the first of that has waited. */
export function behind({ lag, more, oldest }: StageReport): string {
  const waiting = oldest === undefined ? '' : ` (${age(oldest)})`
  return `${String(lag)}${more === true ? '+' : ''}${waiting}`
}

export function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}

/** @param time ISO 8601 */
export function age(time: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000))
  if (Number.isNaN(seconds)) return ''
  if (seconds < 120) return `${String(seconds)} s`
  if (seconds < 7200) return `${String(Math.floor(seconds / 60))} min`
  if (seconds < 172_800) return `${String(Math.floor(seconds / 3600))} h`
  return `${String(Math.floor(seconds / 86_400))} d`
}

/** What is wrong with a part, and what to do, in a sentence; undefined when it is well, or closed on purpose. */
export function troubleOf({
  name,
  state,
  lastError,
  reason,
  hint,
}: PartReport): string | undefined {
  if (state === 'running' || state === 'closed') return undefined
  const why = lastError ?? reason
  const what = `${name} is ${state}${why === undefined ? '' : `: ${why}`}`
  if (state !== 'failing') return what
  return `${what}; ${hint ?? 'fiona-ctl check looks for the cause, the log tells more'}`
}

/** Below the reserve no object is accepted. */
export function diskTrouble({ freeBytes, reserveBytes }: SiteStatus['disk']): string | undefined {
  if (freeBytes >= reserveBytes) return undefined
  return 'less than receiver.reserveBytes is free: objects are refused; make room, or lower it'
}

/** Text in lines of at most so many characters, cut between words where that is possible. */
export function wrapped(text: string, columns: number, indent = '  '): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    let rest = word
    if (line.trim() !== '' && line.length + 1 + rest.length > columns) {
      lines.push(line)
      line = indent
    } else if (line.trim() !== '') line += ' '
    for (; line.length + rest.length > columns; line = indent) {
      const room = Math.max(1, columns - line.length)
      lines.push(line + rest.slice(0, room))
      rest = rest.slice(room)
    }
    line += rest
  }
  return line.trim() === '' ? lines : [...lines, line]
}
