import {
  type KeyObject,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
} from 'node:crypto'
import { keyFingerprint } from './key-text.ts'
import { type Anchor, type Entry, type Link, identityOf, parseEntry } from './link.ts'

/** A line of the crosswalk as it stands in the file. */
export interface SealedLine {
  readonly v: 2
  /** Keyed digest of what the link says: it is known again without being opened. */
  readonly id: string
  /** Fingerprint of the key. */
  readonly key: string
  /** Nonce, ciphertext and tag of AES-256-GCM; `id` is authenticated with it. */
  readonly sealed: string
}

const nonceBytes = 12
const tagBytes = 16
const idBytes = 16
/** Of what the index knows a value by; as many of an id are enough. */
export const tokenBytes = 8

/**
 * What seals the crosswalk with one key file: AES-256-GCM with a subkey for that purpose alone (HKDF, RFC 5869), each
 * line by itself, so that lines can be appended by several processes and a torn one harms no other.
 */
export class Seal {
  readonly fingerprint: string
  readonly #sealKey: KeyObject
  readonly #idKey: KeyObject
  readonly #auditKey: KeyObject
  readonly #indexKey: KeyObject
  readonly #tokenKey: KeyObject

  constructor(key: Buffer) {
    // As objects they need not be made ready for each of a million lines.
    const subkey = (purpose: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', key, 'fiona', `crosswalk 1 ${purpose}`, 32)))
    this.fingerprint = keyFingerprint(key)
    this.#sealKey = subkey('seal')
    this.#idKey = subkey('id')
    this.#auditKey = subkey('audit')
    this.#indexKey = subkey('index')
    this.#tokenKey = subkey('token')
  }

  idOf(entry: Link | Anchor): Buffer {
    return createHmac('sha256', this.#idKey).update(identityOf(entry)).digest().subarray(0, idBytes)
  }

  /** A line, without its end. */
  seal(entry: Entry): string {
    const id = this.idOf(entry).toString('base64url')
    const sealed = encrypt(this.#sealKey, Buffer.from(id), Buffer.from(JSON.stringify(entry)))
    return JSON.stringify({
      v: 2,
      id,
      key: this.fingerprint,
      sealed: sealed.toString('base64'),
    } satisfies SealedLine)
  }

  /** @returns undefined when a bit of it is not as it was written */
  open({ id, sealed }: SealedLine): Entry | undefined {
    const text = decrypt(this.#sealKey, Buffer.from(id), Buffer.from(sealed, 'base64'))
    return text && parseEntry(text.toString('utf8'))
  }

  /** Bytes of the index; `about` is authenticated with them. */
  sealIndex(about: string, bytes: Buffer): Buffer {
    return encrypt(this.#indexKey, Buffer.from(about), bytes)
  }

  /** @returns undefined when a bit of it, or of `about`, is not as it was written */
  openIndex(about: string, sealed: Buffer): Buffer | undefined {
    return decrypt(this.#indexKey, Buffer.from(about), sealed)
  }

  /** What the index knows a value by: nobody without the key can make it, or tell what it is of. */
  token(kind: string, value: string): Buffer {
    const text = JSON.stringify([kind, value])
    return createHmac('sha256', this.#tokenKey).update(text).digest().subarray(0, tokenBytes)
  }

  /** Authenticates what the audit trail says. */
  mac(text: string): string {
    return createHmac('sha256', this.#auditKey).update(text).digest('base64url')
  }

  /** Of what was asked for: tells nothing, and whoever has the key can tell whether it was this. */
  digest(...parts: readonly string[]): string {
    return this.mac(JSON.stringify(['asked', ...parts])).slice(0, 22)
  }
}

/** How many bytes `encrypt` adds. */
export const sealBytes = nonceBytes + tagBytes

function encrypt(key: KeyObject, about: Buffer, bytes: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(about)
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: KeyObject, about: Buffer, sealed: Buffer): Buffer | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    })
    decipher.setAAD(about)
    decipher.setAuthTag(sealed.subarray(-tagBytes))
    return Buffer.concat([
      decipher.update(sealed.subarray(nonceBytes, -tagBytes)),
      decipher.final(),
    ])
  } catch {
    return undefined
  }
}

/** All keys that are at hand; the first seals what is new. */
export class Seals {
  readonly first: Seal
  readonly #all: ReadonlyMap<string, Seal>

  constructor(keys: readonly [Buffer, ...Buffer[]]) {
    const all = new Map<string, Seal>()
    for (const key of keys) {
      const seal = new Seal(key)
      if (!all.has(seal.fingerprint)) all.set(seal.fingerprint, seal)
    }
    const [first] = all.values()
    if (first === undefined) throw new RangeError('no key')
    this.first = first
    this.#all = all
  }

  of(fingerprint: string): Seal | undefined {
    return this.#all.get(fingerprint)
  }
}
