/** `1 object`, `2 objects`: of things whose plural has an s. */
export function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`
}
