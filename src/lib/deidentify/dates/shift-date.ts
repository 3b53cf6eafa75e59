/**
 * Dates moved by whole days, so that times of day, zones and intervals stay what they are. What is no date by
 * PS3.5 6.2 (ranges, six digits, garbage) is undefined: it must not pass as it is. `YYYY.MM.DD` and
 * `HH:MM:SS` of ACR-NEMA, which PS3.5 lets readers accept, are written as they are today.
 */
export function shiftTemporal(text: string, vr: string, days: number): string | undefined {
  const values = text.split('\\').map((value) => {
    const trimmed = value.replaceAll('\0', ' ').trim()
    if (trimmed === '') return ''
    if (vr === 'DA') return shiftDate(trimmed, days)
    if (vr === 'DT') return shiftDateTime(trimmed, days)
    if (vr === 'TM') return normalTime(trimmed)
    return vr === 'SH' && zone.test(trimmed) ? trimmed : undefined
  })
  return values.includes(undefined) ? undefined : values.join('\\')
}

/** Is every value a date or time by PS3.5 6.2 or ACR-NEMA, or empty? */
export function isTemporal(text: string, vr: string): boolean {
  return shiftTemporal(text, vr, 0) !== undefined
}

export function isTemporalVR(vr: string): boolean {
  return vr === 'DA' || vr === 'DT' || vr === 'TM'
}

const zone = /^[+-](?:0\d|1[0-4])[0-5]\d$/

function shiftDate(text: string, days: number): string | undefined {
  const [, year = '', month = '', day = ''] =
    /^(\d{4})(\d\d)(\d\d)$/.exec(text) ?? /^(\d{4})\.(\d\d)\.(\d\d)$/.exec(text) ?? []
  return moved(Number(year), Number(month), Number(day), days)
}

const dateTime =
  /^(\d{4})(?:(\d\d)(?:(\d\d)((?:\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?)?))?)?([+-]\d{4})?$/

/** A year or month alone is moved as its middle, and is as coarse as it was. */
function shiftDateTime(text: string, days: number): string | undefined {
  const match = dateTime.exec(text)
  if (match === null) return undefined
  const [, year = '', month, day, time = '', offset = ''] = match
  if (time !== '' && normalTime(time) === undefined) return undefined
  if (offset !== '' && !zone.test(offset)) return undefined
  const date = moved(
    Number(year),
    Number(month ?? '07'),
    Number(day ?? (month === undefined ? '02' : '15')),
    days,
  )
  return (
    date && date.slice(0, day === undefined ? (month === undefined ? 4 : 6) : 8) + time + offset
  )
}

function normalTime(text: string): string | undefined {
  const [, hours = '', minutes = '', seconds = '', fraction = ''] =
    /^(\d\d)(?:(\d\d)(?:(\d\d)(\.\d{1,6})?)?)?$/.exec(text) ??
    /^(\d\d):(\d\d)(?::(\d\d)(\.\d{1,6})?)?$/.exec(text) ??
    []
  if (hours === '' || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) {
    return undefined
  }
  return hours + minutes + seconds + fraction
}

/** Undefined for a day that no calendar has, and where the result has no year of four digits. */
function moved(year: number, month: number, day: number, days: number): string | undefined {
  if (year < 1) return undefined
  const date = new Date(0)
  // Date.UTC takes the years 0 to 99 for those of the last century.
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  date.setUTCDate(day + days)
  const shifted = date.getUTCFullYear()
  if (!(shifted >= 1 && shifted <= 9999)) return undefined
  const two = (number: number) => String(number).padStart(2, '0')
  return String(shifted).padStart(4, '0') + two(date.getUTCMonth() + 1) + two(date.getUTCDate())
}
