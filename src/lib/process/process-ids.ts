import { readdirSync } from 'node:fs'

/** Of all processes; none where there is no /proc to look at. */
export function processIds(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
  } catch {
    return []
  }
}
