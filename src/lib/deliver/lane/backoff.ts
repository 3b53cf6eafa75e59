import type { RetryPolicy } from '../destination.ts'

/**
 * How long to wait before the next try: longer each time, up to a limit, and up to a tenth less by
 * chance, so that what failed together does not come back together.
 * @param failures so far, 1 for the first
 * @param random 0 to 1
 */
export function backoffMs(retry: RetryPolicy, failures: number, random: number): number {
  const seconds = retry.delaySeconds * retry.multiplier ** (failures - 1)
  return Math.min(seconds, retry.maxDelaySeconds) * 1000 * (1 - random / 10)
}
