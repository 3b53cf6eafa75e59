/** @param from where to begin, in bytes */
export function countLines(lines: Buffer, from = 0): number {
  let count = 0
  for (let at = lines.indexOf(0x0a, from); at !== -1; at = lines.indexOf(0x0a, at + 1)) count++
  return count
}
