/**
 * A search for planted secrets that shares nothing with the one in the product: every byte of a file, as it is and
 * in whatever dress text may wear, and all that pydicom reads in it.
 */
import { spawnSync } from 'node:child_process'
import { inflateRawSync, inflateSync, gunzipSync } from 'node:zlib'
import { projectRoot } from '../../fixtures/peers.ts'

/** Text, or bytes where the encoding is the point. */
export type Secret = string | Buffer

/** The secrets that are in a file, whether anybody would see them or not. */
export function secretsIn(file: Buffer, secrets: readonly Secret[]): Secret[] {
  const hays = dresses(file).map((bytes) => bytes.toString('latin1').toLowerCase())
  return secrets.filter((secret) =>
    formsOf(secret).some((form) => hays.some((hay) => hay.includes(form))),
  )
}

/** The secrets in texts that another reader has decoded. */
export function secretsInTexts(texts: readonly string[], secrets: readonly Secret[]): Secret[] {
  const hay = fold([...texts, texts.join('')].join('\n'))
  return secrets.filter((secret) => typeof secret === 'string' && hay.includes(fold(secret)))
}

/** As they are, inflated, byte-swapped, without the NULs of UTF-16 and UTF-32, and out of base64. */
function dresses(file: Buffer): Buffer[] {
  const plain = [file, ...inflated(file)]
  const decoded = plain.flatMap((bytes) => outOfBase64(bytes))
  return [...plain, ...decoded].flatMap((bytes) => [bytes, swapped(bytes), withoutNuls(bytes)])
}

function inflated(file: Buffer): Buffer[] {
  const streams: Buffer[] = []
  if (file.subarray(0, 1000).includes('1.2.840.10008.1.2.1.99')) {
    tryTo(streams, () => inflateRawSync(file.subarray(144 + file.readUInt32LE(140))))
  }
  for (let at = 0; at < file.length - 2; at++) {
    const head = file.readUInt16BE(at)
    if (head === 0x1f8b) tryTo(streams, () => gunzipSync(file.subarray(at)))
    else if (file[at] === 0x78 && head % 31 === 0) {
      tryTo(streams, () => inflateSync(file.subarray(at)))
    }
  }
  return streams
}

function tryTo(streams: Buffer[], inflate: () => Buffer): void {
  try {
    streams.push(inflate())
  } catch {
    // Bytes that only begin like a stream.
  }
}

function outOfBase64(bytes: Buffer): Buffer[] {
  const runs = bytes.toString('latin1').match(/[A-Za-z0-9+/]{12,}/g) ?? []
  return runs.flatMap((run) => [0, 1, 2, 3].map((skip) => Buffer.from(run.slice(skip), 'base64')))
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(bytes.subarray(0, bytes.length & ~1)).swap16()
}

function withoutNuls(bytes: Buffer): Buffer {
  return bytes.filter((byte) => byte !== 0) as Buffer
}

function formsOf(secret: Secret): string[] {
  if (Buffer.isBuffer(secret)) return [secret.toString('latin1').toLowerCase()]
  const backwards = [...secret].reverse().join('')
  return [secret, secret.normalize('NFC'), secret.normalize('NFD'), backwards].flatMap((text) =>
    [text, text.toUpperCase(), text.toLowerCase()].flatMap((cased) => [
      Buffer.from(cased).toString('latin1').toLowerCase(),
      Buffer.from(cased, 'latin1').toString('latin1').toLowerCase(),
      Buffer.from(cased).toString('hex'),
      // Of what is not ASCII no NULs are left over in UTF-16.
      Buffer.from(cased, 'utf16le').toString('latin1').toLowerCase(),
    ]),
  )
}

function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}

/** What pydicom reads in each of these files; undefined where it reads none. */
export function textsWithPydicom(paths: readonly string[]): (string[] | undefined)[] {
  const script = `${projectRoot}test/fixtures/every-text-with-pydicom.py`
  const { stdout, stderr } = spawnSync('/usr/bin/python3', [script], {
    input: paths.join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const lines = stdout.trim().split('\n')
  if (lines.length !== paths.length) throw new Error(stderr)
  return lines.map((line) => (JSON.parse(line) as { texts?: string[] }).texts)
}
