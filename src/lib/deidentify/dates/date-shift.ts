import { createHmac } from 'node:crypto'

/** How dates are moved, where a profile moves them. */
export type DateShift =
  | { readonly mode: 'none' }
  /** All of the project by the same days, later where positive. */
  | { readonly mode: 'fixed'; readonly days: number }
  /** Each participant by secret days of their own, 1 to `maxDays` earlier: no date lies in the future. */
  | { readonly mode: 'perParticipant'; readonly maxDays: number }

export const noShift: DateShift = { mode: 'none' }
export const usualShift = { mode: 'perParticipant', maxDays: 365 } as const
/** Ten years: with more a study is from before its modality. */
export const mostDays = 3653

/** @param key for date shifts of this project only */
export function daysFor(shift: DateShift, participant: string, key: Buffer): number {
  if (shift.mode === 'none') return 0
  if (shift.mode === 'fixed') return shift.days
  // Of 64 bits the remainder favours no day that anybody could notice.
  const number = createHmac('sha256', key).update(participant).digest().readBigUInt64BE()
  return -(1 + Number(number % BigInt(shift.maxDays)))
}
