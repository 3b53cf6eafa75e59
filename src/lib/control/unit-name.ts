import { resolve } from 'node:path'

/**
 * A name as the instance of a unit: fiona-scp@NAME. Letters, digits, `:`, `_` and `.` stay (no `.` in front), `/`
 * becomes `-`, each other byte `\xHH`. The unit undoes it with %I. As systemd-escape(1) does, see
 * systemd.unit(5), "String Escaping".
 */
export function escapeInstance(name: string): string {
  return Array.from(Buffer.from(name), (byte, at) => {
    const character = String.fromCharCode(byte)
    if (character === '/') return '-'
    const isPlain = at === 0 ? /[A-Za-z0-9:_]/ : /[A-Za-z0-9:_.]/
    return isPlain.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`
  }).join('')
}

/** The same for an absolute path, which the unit undoes with %f. As `systemd-escape --path` does. */
export function escapePath(path: string): string {
  return escapeInstance(resolve(path).slice(1))
}
