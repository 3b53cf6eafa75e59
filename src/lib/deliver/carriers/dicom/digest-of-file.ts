import type { Digest, Digester } from '../../../digest/index.ts'
import type { StoredObject } from '../../../dimse/index.ts'
import { digestObject } from '../../digest-object.ts'

/** SHA-256 of the file of an object that is being sent. */
export interface DigestOfFile extends Disposable {
  /** To be awaited before the object is sent. */
  before(): Promise<void>
  /** When it was sent: hex. */
  sha256(): Promise<string>
}

/** Of the very bytes that go out, while they do. */
export class DigestOnTheWay implements DigestOfFile {
  readonly #digester: Digester
  #digest: Digest | undefined
  #sha256: Promise<string> | undefined

  constructor(digester: Digester) {
    this.#digester = digester
  }

  readonly seen: NonNullable<StoredObject['seen']> = (bytes, isLast) => {
    const digest = (this.#digest ??= this.#digester.begin())
    for (const some of bytes) digest.update({ bytes: some }, some.length)
    return isLast ? (this.#sha256 = digest.finish()) : digest.caughtUp()
  }

  before(): Promise<void> {
    return Promise.resolve()
  }

  sha256(): Promise<string> {
    if (this.#sha256 === undefined) throw new Error('not all of it was sent')
    return this.#sha256
  }

  [Symbol.dispose](): void {
    if (this.#sha256 === undefined) this.#digest?.abandon()
  }
}

/** Of a file that does not go as it is: it is read beforehand. */
export class DigestBeforehand implements DigestOfFile {
  readonly #path: string
  #sha256 = ''

  constructor(path: string) {
    this.#path = path
  }

  async before(): Promise<void> {
    this.#sha256 = await digestObject(this.#path)
  }

  sha256(): Promise<string> {
    return Promise.resolve(this.#sha256)
  }

  [Symbol.dispose](): void {
    // Nothing is open.
  }
}
