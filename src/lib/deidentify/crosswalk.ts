import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import { nowIso } from '../record/index.ts'
import { makeDirectories, syncDirectory } from '../storage/index.ts'

/** A link between the two sides of the boundary. */
export type Link =
  | {
      readonly kind: 'participant'
      readonly project: string
      readonly participant: string
      readonly PatientID: string
      readonly IssuerOfPatientID?: string
    }
  | {
      readonly kind: 'study'
      readonly project: string
      readonly participant: string
      readonly StudyInstanceUID: string
      readonly newStudyInstanceUID: string
    }

/**
 * The only place that knows who is who: NDJSON, appended, mode 0600. Each link is there once as far as
 * this process knows; several processes may append. With the key it is all that is needed to go on elsewhere.
 */
export class Crosswalk {
  readonly #handle: FileHandle
  readonly #known: Set<string>
  #isTorn = false

  private constructor(handle: FileHandle, known: Set<string>) {
    this.#handle = handle
    this.#known = known
  }

  /** @throws FionaError E_CROSSWALK_MODE when others may read it */
  static async open(path: string): Promise<Crosswalk> {
    await makeDirectories(dirname(path))
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
    const handle = await open(path, flags, 0o600)
    try {
      if (((await handle.stat()).mode & 0o077) !== 0) {
        throw new FionaError('E_CROSSWALK_MODE', `others may read the crosswalk ${path}`, {
          hint: `chmod 600 ${path}`,
          exitCode: ExitCode.notAllowed,
        })
      }
      const text = await handle.readFile('utf8')
      // The process that wrote the last line may have died in it.
      if (text !== '' && !text.endsWith('\n')) await handle.appendFile('\n')
      const known = new Set<string>()
      for (const line of text.split('\n')) {
        const link = parse(line)
        if (link !== undefined) known.add(keyOf(link))
      }
      await syncDirectory(dirname(path))
      return new Crosswalk(handle, known)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** On stable storage when it resolves. */
  async note(links: readonly Link[]): Promise<void> {
    const news = links.filter((link) => !this.#known.has(keyOf(link)))
    if (news.length === 0) return
    const lines = news.map((link) => `${JSON.stringify({ time: nowIso(), ...link })}\n`)
    // A write that failed, on a full disk, may have left half a line: what follows begins on a line of its own.
    const text = (this.#isTorn ? '\n' : '') + lines.join('')
    this.#isTorn = true
    await this.#handle.appendFile(text)
    this.#isTorn = false
    faultPoint('crosswalk.written')
    await this.#handle.datasync()
    faultPoint('crosswalk.synced')
    for (const link of news) this.#known.add(keyOf(link))
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

function keyOf(link: Link): string {
  return link.kind === 'participant'
    ? JSON.stringify([link.project, link.participant, link.PatientID, link.IssuerOfPatientID ?? ''])
    : JSON.stringify([link.project, link.participant, link.StudyInstanceUID])
}

function parse(line: string): Link | undefined {
  try {
    const { kind } = JSON.parse(line) as Link
    return kind === 'participant' || kind === 'study' ? (JSON.parse(line) as Link) : undefined
  } catch {
    return undefined
  }
}
