import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'

/** Who runs this, as far as the system can say. */
export interface Who {
  readonly uid: number | undefined
  readonly user: string
  /** Who had logged in, which neither su nor sudo changes: what the kernel notes for its own audit. */
  readonly login?: string
  /** Who called sudo, as sudo says. */
  readonly sudo?: string
  readonly host: string
}

/** (uid_t) -1: nobody had logged in, as with services. */
const noLogin = 4_294_967_295

export function whoRuns(): Who {
  const login = loginName()
  const sudo = process.env['SUDO_USER'] || undefined
  return {
    uid: process.getuid?.(),
    user: userName(),
    ...(login === undefined ? {} : { login }),
    ...(sudo === undefined ? {} : { sudo: sudo.slice(0, 64) }),
    host: hostname(),
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a number without a name.
    return String(process.getuid?.() ?? 'unknown')
  }
}

/** Of all names of whoever runs this the one that a person is known by. */
export function personWhoRuns(): string {
  const { user, login, sudo } = whoRuns()
  return sudo ?? login ?? user
}

function loginName(): string | undefined {
  const text = readOr('/proc/self/loginuid').trim()
  if (!/^\d+$/.test(text) || Number(text) === noLogin) return undefined
  const line = readOr('/etc/passwd')
    .split('\n')
    .find((each) => each.split(':')[2] === text)
  return line?.split(':')[0] ?? text
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
