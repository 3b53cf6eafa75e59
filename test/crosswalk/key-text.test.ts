import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  createKeyFile,
  escrowLines,
  keyFingerprint,
  keyFromLines,
  looksRandom,
} from '../../src/lib/crosswalk/index.ts'

t.test('a printed key is typed in again, whatever it is', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 128 }), (bytes) => {
      const key = Buffer.from(bytes)
      return keyFromLines(escrowLines(key).join('\n')).equals(key)
    }),
  )
  t.end()
})

t.test('typing is forgiven, mistakes are not, and the message tells nothing of the key', (t) => {
  const key = Buffer.from('a key of no hospital, thirty-two bytes')
  const lines = escrowLines(key)
  const sloppy = [
    '# of the safe',
    '',
    ...lines.map(
      (line) =>
        `  ${line.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l').replace(/^ l/, ' 1')}`,
    ),
  ]
  const numbered = sloppy.map((line) => line.replace(/^ +l /, ' 1 '))
  t.ok(keyFromLines(numbered.join('\r\n')).equals(key))
  const refuses = (changed: readonly string[], message: RegExp) => {
    t.throws(() => keyFromLines(changed.join('\n')), { code: 'E_KEY_TEXT', message, exitCode: 65 })
  }
  const swapped = (line: string, at: number) => {
    const other = line[at] === '7' ? '8' : '7'
    return line.slice(0, at) + other + line.slice(at + 1)
  }
  refuses(
    lines.map((line, at) => (at === 1 ? swapped(line, 6) : line)),
    /^line 2 /,
  )
  refuses([lines[1] ?? '', lines[0] ?? '', ...lines.slice(2)], /^line 1 /)
  refuses(lines.slice(0, -1), /fingerprint is missing/)
  refuses(
    lines.filter((_, at) => at !== lines.length - 2),
    /not all of them/,
  )
  refuses(
    [...lines.slice(0, -1), `fingerprint ${keyFingerprint(randomBytes(32))}`],
    /not those of one key/,
  )
  refuses([], /fingerprint/)
  t.throws(() => escrowLines(randomBytes(200)), { code: 'E_KEY_INVALID' })
  t.end()
})

t.test('a fingerprint is the same for the same key, and nothing of the key is in it', (t) => {
  const key = randomBytes(32)
  t.equal(keyFingerprint(key), keyFingerprint(Buffer.from(key)))
  t.not(keyFingerprint(key), keyFingerprint(randomBytes(32)))
  t.match(keyFingerprint(key), /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
  // Fixed: it is compared with what was written down years ago.
  t.equal(keyFingerprint(Buffer.alloc(32, 7)), '0GPK-2E10-XAE4-KQHF')
  t.end()
})

t.test(
  'a new key is random, its owner alone reads it, and none is ever written over',
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'fiona-key-'))
    t.teardown(() => {
      rmSync(directory, { recursive: true })
    })
    const path = join(directory, 'key')
    const key = await createKeyFile(path)
    t.ok(readFileSync(path).equals(key))
    t.equal(key.length, 32)
    t.equal(statSync(path).mode & 0o777, 0o600)
    await t.rejects(createKeyFile(path), { code: 'E_KEY_EXISTS', exitCode: 73 })
    await t.rejects(createKeyFile(join(directory, 'none', 'key')), { code: 'E_KEY_WRITE' })
    chmodSync(path, 0o600)
    t.ok(readFileSync(path).equals(key))
    t.ok(looksRandom(key))
    t.notOk(looksRandom(Buffer.alloc(32)))
    t.notOk(looksRandom(Buffer.from('abababababababababababababababab')))
  },
)
