import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  isTemporaryOfDead,
  makeDirectories,
  namesIn,
  syncDirectory,
  writeFileAtomic,
} from '../storage/index.ts'
import { isUid } from '../uid/index.ts'
import { ReferenceList } from './reference-list.ts'

/** Who asked, and how it is called back. */
export interface Requester {
  readonly callingAET: string
  /** Whose door it came in by; undefined: the common one. */
  readonly project?: string | undefined
  readonly calledAET: string
  readonly address: string
}

/** A request that was answered with success and whose report has not reached the peer. */
export interface WaitingRequest extends Requester {
  /** Of its file. */
  readonly name: string
  readonly TransactionUID: string
  /** When it came, ISO 8601. */
  readonly time: string
  readonly instances: number
  /** Another request waits under this Transaction UID, for other objects. */
  readonly isDuplicate: boolean
}

export interface WaitingLimits {
  readonly requests: number
  readonly requestsOfOneAddress: number
  /** Of all requests together. */
  readonly instances: number
}

interface Entry {
  readonly request: WaitingRequest
  readonly written: Promise<void>
}

const suffix = '.request'
const inWriting = /^\..*\.tmp$/

/**
 * Requests on disk until they are reported: a file each, a line of JSON about the request and then a line
 * for each object (`SOP class, blank, SOP instance`). What was answered with success is there before, so
 * whoever is killed goes on where it was.
 */
export class WaitingRequests {
  readonly #folder: string
  readonly #limits: WaitingLimits
  readonly #entries = new Map<string, Entry>()
  readonly #removing = new Map<string, Promise<void>>()
  #instances = 0

  private constructor(folder: string, limits: WaitingLimits) {
    this.#folder = folder
    this.#limits = limits
  }

  /**
   * @param onDamaged a file that is none of ours, or was tampered with; it is left where it is
   * @throws NodeJS.ErrnoException
   */
  static async open(
    dataDir: string,
    limits: WaitingLimits,
    onDamaged: (path: string) => void,
  ): Promise<WaitingRequests> {
    const folder = join(dataDir, 'commitment')
    const requests = new WaitingRequests(folder, limits)
    // Where nobody ever asked, there is no folder.
    for (const name of await namesIn(folder)) {
      const path = join(folder, name)
      // Half-written when its writer was killed: its sender heard nothing.
      if (isTemporaryOfDead(name)) await rm(path, { force: true })
      if (!name.endsWith(suffix) || inWriting.test(name)) continue
      const found = await readRequestFile(path, name)
      if (found === undefined) onDamaged(path)
      else requests.#keep(found.request, Promise.resolve())
    }
    return requests
  }

  /** All that wait. */
  list(): WaitingRequest[] {
    return [...this.#entries.values()].map(({ request }) => request)
  }

  /**
   * Resolves when the request is on stable storage. The same request again, while it waits, is the one
   * that waits.
   * @returns undefined when too many wait already
   * @throws NodeJS.ErrnoException
   */
  async add(
    requester: Requester,
    TransactionUID: string,
    references: ReferenceList,
    time: string,
  ): Promise<WaitingRequest | undefined> {
    const transaction = digest([`${requester.callingAET}\0${TransactionUID}`], 32)
    const { project } = requester
    const name = `${transaction}-${digest([`${project ?? ''}\n`, ...references.lines()], 16)}${suffix}`
    // A request before it under the same name must be gone: its file, and not ours, is removed.
    for (let removing = this.#removing.get(name); removing !== undefined;) {
      await removing.catch(() => undefined)
      removing = this.#removing.get(name)
    }
    // Nothing may come between here and `#keep`.
    const known = this.#entries.get(name)
    if (known !== undefined) {
      await known.written
      return known.request
    }
    if (!this.#hasRoom(requester, references.length)) return undefined
    const isDuplicate = [...this.#entries.keys()].some((one) => one.startsWith(`${transaction}-`))
    const { callingAET, calledAET, address } = requester
    const about = { time, TransactionUID, callingAET, calledAET, address, project, isDuplicate }
    const request = { ...about, name, instances: references.length }
    const head = Buffer.from(`${JSON.stringify({ v: 1, ...about })}\n`)
    const written = this.#write(name, [head, ...references.lines()])
    this.#keep(request, written)
    try {
      await written
    } catch (error) {
      this.#forget(request)
      throw error
    }
    return request
  }

  /**
   * What is asked for.
   * @returns undefined when the file is gone: another process reported it
   * @throws FionaError E_COMMITMENT_DAMAGED
   */
  async references(request: WaitingRequest): Promise<ReferenceList | undefined> {
    const path = join(this.#folder, request.name)
    let found
    try {
      found = await readRequestFile(path, request.name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    if (found !== undefined) return found.references
    throw new FionaError('E_COMMITMENT_DAMAGED', `${path} is no request for storage commitment`, {
      hint: 'somebody changed it; the peer must ask again',
      exitCode: ExitCode.badInput,
    })
  }

  /** It is reported, or given up. */
  async remove(request: WaitingRequest): Promise<void> {
    this.#forget(request)
    const removed = this.#removeFile(request.name)
    this.#removing.set(request.name, removed)
    try {
      await removed
    } finally {
      this.#removing.delete(request.name)
    }
  }

  async #write(name: string, content: Iterable<Buffer>): Promise<void> {
    await makeDirectories(this.#folder)
    await writeFileAtomic(join(this.#folder, name), content)
  }

  async #removeFile(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true })
    // Should this be lost, it is reported once more.
    await syncDirectory(this.#folder)
  }

  #hasRoom({ address }: Requester, instances: number): boolean {
    const { requests, requestsOfOneAddress } = this.#limits
    if (this.#entries.size >= requests) return false
    if (this.#instances + instances > this.#limits.instances) return false
    const ofAddress = this.list().filter((request) => request.address === address)
    return ofAddress.length < requestsOfOneAddress
  }

  #keep(request: WaitingRequest, written: Promise<void>): void {
    this.#entries.set(request.name, { request, written })
    this.#instances += request.instances
  }

  #forget(request: WaitingRequest): void {
    if (this.#entries.delete(request.name)) this.#instances -= request.instances
  }
}

function digest(parts: Iterable<string | Buffer>, length: number): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, length)
}

/**
 * @returns undefined when it is no request
 * @throws NodeJS.ErrnoException
 */
async function readRequestFile(
  path: string,
  name: string,
): Promise<{ readonly request: WaitingRequest; readonly references: ReferenceList } | undefined> {
  let about: ReturnType<typeof parseAbout>
  const references = new ReferenceList()
  let rest = ''
  const handle = await open(path, 'r')
  for await (const piece of handle.createReadStream({ encoding: 'utf8' })) {
    const lines = `${rest}${piece as string}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (about === undefined) {
        about = parseAbout(line)
        if (about === undefined) return undefined
        continue
      }
      const [SOPClassUID = '', SOPInstanceUID = ''] = line.split(' ')
      if (!isUid(SOPClassUID) || !isUid(SOPInstanceUID)) return undefined
      references.add({ SOPClassUID, SOPInstanceUID })
    }
  }
  // Each line ends: what is behind the last end must be nothing.
  if (rest !== '' || about === undefined || references.length === 0) return undefined
  return { request: { ...about, name, instances: references.length }, references }
}

function parseAbout(line: string): Omit<WaitingRequest, 'name' | 'instances'> | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { v, time, TransactionUID, callingAET, calledAET, address, project, isDuplicate } =
    value as Readonly<Record<string, unknown>>
  if (v !== 1 || typeof time !== 'string' || Number.isNaN(Date.parse(time))) return undefined
  if (typeof callingAET !== 'string' || typeof calledAET !== 'string') return undefined
  if (!isUid(TransactionUID) || typeof address !== 'string') return undefined
  if (project !== undefined && typeof project !== 'string') return undefined
  return {
    time,
    TransactionUID,
    callingAET,
    calledAET,
    address,
    project,
    isDuplicate: isDuplicate === true,
  }
}
