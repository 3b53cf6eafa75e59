/** `1 object`, `2 objects`; `1 study`, `2 studies`. */
export function counted(count: number, what: string): string {
  return `${String(count)} ${count === 1 ? what : pluralOf(what)}`
}

function pluralOf(what: string): string {
  return /[^aeiou]y$/.test(what) ? `${what.slice(0, -1)}ies` : `${what}s`
}
