import { createHmac, timingSafeEqual } from 'node:crypto'

/** A key that a server may have, or must not have. */
export interface KnownKey {
  /** `ssh-ed25519`, as in the file. */
  readonly type: string
  readonly key: Buffer
  readonly isRevoked: boolean
}

/**
 * The keys that a file in the format of OpenSSH's known_hosts (sshd(8)) has for a server: names, patterns
 * with `*`, `?` and `!`, hashed names, `@revoked`. Lines with `@cert-authority`, and what is no such line, say
 * nothing: what is not understood makes no server known.
 */
export function keysOf(file: string, host: string, port: number): KnownKey[] {
  const name = port === 22 ? host : `[${host}]:${String(port)}`
  return file.split('\n').flatMap((line) => {
    const words = line.trim().split(/[ \t]+/)
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined
    const [names, type, base64] = words
    if (names === undefined || type === undefined || base64 === undefined) return []
    if (names.startsWith('#') || (marker !== undefined && marker !== '@revoked')) return []
    if (!isNamed(names, name)) return []
    return [{ type, key: Buffer.from(base64, 'base64'), isRevoked: marker !== undefined }]
  })
}

/** Whether the server may be believed, by the key that it shows. */
export function judge(
  known: readonly KnownKey[],
  shown: Buffer,
): 'known' | 'unknown' | 'changed' | 'revoked' {
  const same = known.filter(({ key }) => key.equals(shown))
  if (same.some(({ isRevoked }) => isRevoked)) return 'revoked'
  if (same.length > 0) return 'known'
  return known.some(({ isRevoked }) => !isRevoked) ? 'changed' : 'unknown'
}

/** Names of algorithms by which a server proves keys of these types: one that has several shall show one we know. */
export function algorithmsFor(known: readonly KnownKey[]): string[] {
  return [
    ...new Set(
      known
        .filter(({ isRevoked }) => !isRevoked)
        .flatMap(({ type }) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type])),
    ),
  ]
}

function isNamed(names: string, name: string): boolean {
  let isFound = false
  for (const pattern of names.split(',')) {
    if (pattern.startsWith('|1|')) isFound ||= isHashOf(pattern, name)
    else if (pattern.startsWith('!')) {
      if (fits(pattern.slice(1), name)) return false
    } else isFound ||= fits(pattern, name)
  }
  return isFound
}

/** `|1|salt|HMAC-SHA1 of the name with that salt`, both base64. */
function isHashOf(pattern: string, name: string): boolean {
  const [, , salt = '', hashed = ''] = pattern.split('|')
  const expected = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest()
  const found = Buffer.from(hashed, 'base64')
  return found.length === expected.length && timingSafeEqual(found, expected)
}

function fits(pattern: string, name: string): boolean {
  // Character by character: a regular expression from a file may take for ever.
  let [p, n, star, mark] = [0, 0, -1, 0]
  while (n < name.length) {
    const wanted = pattern[p]
    if (wanted === '*') {
      star = p++
      mark = n
    } else if (wanted === '?' || wanted?.toLowerCase() === name[n]?.toLowerCase()) {
      p++
      n++
    } else if (star !== -1) {
      p = star + 1
      n = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}
