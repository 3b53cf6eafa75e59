/** From when to when, of every day, in minutes since midnight; over midnight when it ends before it begins. */
export class DailyWindow {
  readonly #from: number
  readonly #to: number

  /** @param text `20:00-06:00`, local time; whoever reads the configuration has looked at it with `windowTrouble` */
  constructor(text: string) {
    const [from = '', to = ''] = text.split('-')
    this.#from = minutesOf(from)
    this.#to = minutesOf(to)
  }

  /** @returns undefined while it is open, else when it opens; on days with other hours within one hour */
  opensAt(now: Date): Date | undefined {
    return this.#isOpen(now) ? undefined : nextTime(now, this.#from)
  }

  /** When it closes, while it is open. */
  closesAt(now: Date): Date {
    return nextTime(now, this.#to)
  }

  #isOpen(now: Date): boolean {
    const minute = now.getHours() * 60 + now.getMinutes()
    const isBehind = minute >= this.#from
    const isBefore = minute < this.#to
    return this.#from < this.#to ? isBehind && isBefore : isBehind || isBefore
  }
}

/** @returns what is wrong with it, to stand behind its name */
export function windowTrouble(text: string): string | undefined {
  const [from = NaN, to = NaN] = text.split('-').map(minutesOf)
  if (!(from < 1440 && to < 1440)) return 'has a time that no clock shows'
  return from === to ? 'begins when it ends' : undefined
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number)
  if (hours === undefined || minutes === undefined || hours > 23 || minutes > 59) return NaN
  return hours * 60 + minutes
}

/** By the calendar, not by adding hours: a day may have 23 or 25 of them. */
function nextTime(now: Date, minutes: number): Date {
  const at = (days: number): Date =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 0, minutes)
  return at(0) > now ? at(0) : at(1)
}
