import { fstatSync } from 'node:fs'

/**
 * Whether stderr is a stream of systemd's journal: JOURNAL_STREAM names it by device and inode
 * (systemd.exec(5)). A program that was started by a service and writes elsewhere inherits the variable, too.
 */
export function isJournalStream(fd: number, named = process.env['JOURNAL_STREAM']): boolean {
  if (named === undefined || named === '') return false
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return named === `${String(dev)}:${String(ino)}`
  } catch {
    return false
  }
}

/** pino's levels as priorities of syslog, which the journal takes from the start of a line: `<4>…`. */
const priorities: Readonly<Record<number, number>> = { 60: 2, 50: 3, 40: 4, 30: 6, 20: 7, 10: 7 }

/** The line of a log with its priority in front; the journal takes that off again (SyslogLevelPrefix=). */
export function withPriority(line: string): string {
  const level = /^\{"level":(\d+)/.exec(line)?.[1]
  const priority = level === undefined ? undefined : priorities[Number(level)]
  return priority === undefined ? line : `<${String(priority)}>${line}`
}
