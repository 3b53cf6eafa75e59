const two = (value: number): string => String(value).padStart(2, '0')

/** `YYYY-MM-DD` by the clock on the wall. */
export function localDay(at: Date): string {
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}

/** `YYYY-MM-DD HH:MM` by the clock on the wall. */
export function localMinute(at: Date): string {
  return `${localDay(at)} ${two(at.getHours())}:${two(at.getMinutes())}`
}
