import { pduLimits } from './limits.ts'

/** Most requests fit into one segment; of those that do not, nearly all into this. */
const shortBytes = 4096
/** Kept for the next; more is the garbage collector's. */
const mostFree = 16
const free: Buffer[] = []

/**
 * Room for a control PDU that comes in pieces. Long ones are used again at once: left to the garbage
 * collector, those of a crowd that comes and goes would be there all at the same time. Not cleared: only
 * what was written into it may be read.
 * @param length of the PDU, at most `pduLimits.maxAssociatePduBytes`
 */
export function takeHeldBuffer(length: number): Buffer {
  if (length <= shortBytes) return Buffer.allocUnsafe(length)
  return free.pop() ?? Buffer.allocUnsafeSlow(pduLimits.maxAssociatePduBytes)
}

/** Nobody may use it any more. */
export function giveHeldBuffer(buffer: Buffer): void {
  if (buffer.length === pduLimits.maxAssociatePduBytes && free.length < mostFree) free.push(buffer)
}
