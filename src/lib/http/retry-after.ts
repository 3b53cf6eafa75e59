/** Nobody is told to stay away for longer. */
const longestSeconds = 86_400

/**
 * How long the other side wants to be left alone: seconds, or a date (RFC 9110 10.2.3).
 * @param text of Retry-After
 * @returns undefined for what is neither, and for what is past
 */
export function retryAfterSeconds(
  text: string | undefined,
  nowMs = Date.now(),
): number | undefined {
  if (text === undefined) return undefined
  const seconds = /^\d{1,9}$/.test(text.trim()) ? Number(text) : (Date.parse(text) - nowMs) / 1000
  return seconds > 0 ? Math.min(seconds, longestSeconds) : undefined
}
