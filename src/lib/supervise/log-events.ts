import type { Logger } from 'pino'
import type { PartEvent } from './part-event.ts'

/** What an operator must know is a warning or an error; the rest is for whoever looks closely. */
export function logEvent(log: Logger, happened: PartEvent): void {
  const { event, part } = happened
  switch (event) {
    case 'died':
      log.warn(
        { part, how: happened.lastError },
        'a part of the chain ended; it will be started again',
      )
      break
    case 'restarting':
      log.debug({ part, inSeconds: happened.inSeconds }, 'waiting to start it again')
      break
    case 'crashLoop':
      log.error(
        {
          part,
          how: happened.lastError,
          hint: happened.hint ?? 'fiona-ctl check looks for the cause',
        },
        'a part of the chain fails again and again; it is tried on, at the longest pause',
      )
      break
    case 'recovered':
      log.info({ part }, 'a part that failed again and again stays up now')
      break
    case 'started':
      log.debug({ part, childPid: happened.pid }, 'started')
      break
    case 'stopped':
      log.debug({ part, code: happened.code, signal: happened.signal }, 'stopped')
      break
    case 'starting':
    case 'stopping':
      break
  }
}
