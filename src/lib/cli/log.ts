import pino, { type Logger } from 'pino'
import { isJournalStream, withPriority } from './journal-stream.ts'

/**
 * Logs go to stderr: JSON lines for machines, with their priority in systemd's journal, and one readable
 * line an event on a terminal. Written synchronously, so that the last words of a dying process are not lost.
 */
export function createLog(name: string, level: string): Logger {
  return logTo(name, level, process.stderr.isTTY ? readable(name) : stream())
}

/** JSON lines into what is open for appending, for who has something else to show on the terminal. */
export function createFileLog(name: string, level: string, fd: number): Logger {
  return logTo(name, level, pino.destination({ fd, sync: true }))
}

function logTo(name: string, level: string, destination: { write(line: string): void }): Logger {
  return pino(
    { name, level, base: { name, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  )
}

function stream(): { write(line: string): void } {
  const direct = pino.destination({ fd: 2, sync: true })
  if (!isJournalStream(2)) return direct
  return {
    write(line) {
      direct.write(withPriority(line))
    },
  }
}

const ownFields = ['name', 'pid', 'hostname']
const levels: Readonly<Record<number, string>> = { 40: 'warning: ', 50: 'error: ', 60: 'fatal: ' }

/** pino-pretty costs 30 ms at start-up; a terminal needs only this much of it. */
function readable(tool: string): { write(line: string): void } {
  return {
    write(line) {
      const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>
      const clock = String(time).slice(11, 19)
      const details = Object.entries(facts)
        .filter(([key]) => !ownFields.includes(key))
        .map(
          ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
        )
        .join('')
      process.stderr.write(
        `${clock} ${tool}: ${levels[Number(level)] ?? ''}${String(msg)}${details}\n`,
      )
    },
  }
}
