/** All numbers between two; whether the ends belong to it. Infinity belongs to its side: a value may say `inf`. */
interface Interval {
  readonly low: number
  readonly high: number
  readonly hasLow: boolean
  readonly hasHigh: boolean
}

/** Intervals that do not touch, in rising order. Empty: no number. */
export type NumberSet = readonly Interval[]

export const everyNumber: NumberSet = [
  { low: -Infinity, high: Infinity, hasLow: true, hasHigh: true },
]

export function between(low: number, high: number): NumberSet {
  return [{ low, high, hasLow: true, hasHigh: true }]
}

export function above(number: number): NumberSet {
  return without(between(-Infinity, number))
}

export function below(number: number): NumberSet {
  return without(between(number, Infinity))
}

export function inBoth(one: NumberSet, other: NumberSet): NumberSet {
  return one.flatMap((a) => other.map((b) => overlap(a, b))).filter(hasAny)
}

/** The numbers that are not in it. */
export function without(set: NumberSet): NumberSet {
  const ends = [
    { low: -Infinity, high: -Infinity, hasLow: true, hasHigh: false },
    ...set,
    { low: Infinity, high: Infinity, hasLow: false, hasHigh: true },
  ]
  return ends
    .slice(1)
    .map((next, at) => {
      const { high, hasHigh } = ends[at] ?? next
      return { low: high, high: next.low, hasLow: !hasHigh, hasHigh: !next.hasLow }
    })
    .filter(hasAny)
}

export function inAny(sets: readonly NumberSet[]): NumberSet {
  return without(sets.map(without).reduce(inBoth, everyNumber))
}

/** Whether all of it is in `other`. */
export function isWithin(set: NumberSet, other: NumberSet): boolean {
  return set.every((a) =>
    other.some(
      (b) =>
        (a.low > b.low || (a.low === b.low && (b.hasLow || !a.hasLow))) &&
        (a.high < b.high || (a.high === b.high && (b.hasHigh || !a.hasHigh))),
    ),
  )
}

function overlap(a: Interval, b: Interval): Interval {
  const low = Math.max(a.low, b.low)
  const high = Math.min(a.high, b.high)
  const has = (number: number): boolean =>
    [a, b].every((one) => (number > one.low || one.hasLow) && (number < one.high || one.hasHigh))
  return { low, high, hasLow: has(low), hasHigh: has(high) }
}

function hasAny({ low, high, hasLow, hasHigh }: Interval): boolean {
  return low < high || (low === high && hasLow && hasHigh)
}
