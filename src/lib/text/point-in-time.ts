const unitMs: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const dateAndTime =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d(?:\.\d{1,9})?))?(Z|[+-]\d\d:?\d\d)?)?$/

/**
 * What people write for a time: `90m`, `24h`, `7d`, `2w` (ago), `today`, `yesterday` (their midnight), a date, a date with a
 * time of day. Of the place where this runs, unless a zone is given.
 * @param now milliseconds since 1970
 * @returns milliseconds since 1970; undefined for anything else, and for what no calendar has
 */
export function pointInTime(text: string, now: number): number | undefined {
  const word = text.trim().toLowerCase()
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(word) ?? []
  if (count !== undefined) return now - Number(count) * (unitMs[unit] ?? 0)
  if (word === 'today') return midnight(now, 0)
  if (word === 'yesterday') return midnight(now, 1)
  const [whole, year, month, day, hour = '00', minute = '00', second = '00', zone = ''] =
    dateAndTime.exec(text.trim()) ?? []
  if (whole === undefined || year === undefined || month === undefined) return undefined
  // A day that no month has would become one of the next.
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (Number(day) > last) return undefined
  const time = Date.parse(
    `${year}-${month}-${String(day)}T${hour}:${minute}:${second}${zone.toUpperCase()}`,
  )
  return Number.isNaN(time) ? undefined : time
}

/** Not by 24 hours: days have 23 and 25. */
function midnight(now: number, daysBefore: number): number {
  const date = new Date(now)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - daysBefore).getTime()
}
