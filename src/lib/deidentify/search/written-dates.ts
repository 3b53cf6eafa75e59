const monthNames =
  'january february march april may june july august september october november december'.split(' ')

/** A day in the notations that people and devices use. */
export interface WrittenDates {
  /** As words of their own. */
  readonly words: readonly string[]
  readonly anywhere: readonly string[]
  /** With an end at both ends. */
  readonly phrases: readonly string[]
}

/** @param text as a DA has it, also the one of ACR-NEMA; of anything else, and before 1860, there are none */
export function writtenDates(text: string): WrittenDates {
  const match = /^(\d{4})[.:/-]?(\d\d)[.:/-]?(\d\d)/.exec(text)
  const [, year = '', month = '', day = ''] = match ?? []
  const monthName = monthNames[Number(month) - 1]
  if (match === null || monthName === undefined || Number(year) < 1860) {
    return { words: [], anywhere: [], phrases: [] }
  }
  const [d, m, short] = [String(Number(day)), String(Number(month)), year.slice(2)]
  const names = [monthName, monthName.slice(0, 3)]
  const orders = [
    ...[
      [year, month, day],
      [day, month, year],
      [month, day, year],
      [d, m, year],
      [m, d, year],
    ],
    ...names.flatMap((name) => [
      [day, name, year],
      [d, name, year],
    ]),
  ]
  const shortOrders = [
    [day, month, short],
    [month, day, short],
    [short, month, day],
  ]
  const joined = (lists: readonly string[][], separators: readonly string[]) =>
    separators.flatMap((separator) => lists.map((list) => list.join(separator)))
  return {
    words: [`${year}${month}${day}`, `${day}${month}${year}`],
    anywhere: [
      ...joined(orders, ['-', '.', '/', ' ', '. ']),
      // As cameras write it into JPEG files.
      `${year}:${month}:${day}`,
      ...names.flatMap((name) => [`${name} ${d}, ${year}`, `${d}. ${name} ${year}`]),
    ],
    // Two digits for the year may be anything with digits beside them.
    phrases: joined(shortOrders, ['-', '.', '/']),
  }
}
