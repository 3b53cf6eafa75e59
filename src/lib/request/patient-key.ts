import { createHmac, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { createExclusively } from '../storage/index.ts'
import type { StudyInQuestion } from './source.ts'

/** Who a study is of, as keyed hashes: without the key nobody can try names of patients. */
export interface Patient {
  readonly key: Buffer
  /** The same for identifiers that differ in capitals, blanks or leading zeros only. */
  readonly folded: Buffer
}

/** The key of these hashes: of this place alone. That of the pseudonyms belongs to who de-identifies. */
export class PatientKeys {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /** For what is forgotten with the process. */
  static forgetful(): PatientKeys {
    return new PatientKeys(randomBytes(keyBytes))
  }

  /**
   * @param isNew whether there is nothing yet that was made with a key: then one is made where there is none
   * @throws FionaError E_REQUEST_STATE
   */
  static async open(directory: string, isNew: boolean): Promise<PatientKeys> {
    const path = join(directory, 'patients.key')
    const key = (await read(path)) ?? (isNew ? await make(path) : undefined)
    if (key?.length === keyBytes) return new PatientKeys(key)
    throw new FionaError('E_REQUEST_STATE', `${path} is ${key === undefined ? 'gone' : 'no key'}`, {
      hint: 'bring it back from a backup: without it nobody knows which participant a patient has. To begin anew, move the whole directory away',
      exitCode: ExitCode.badConfig,
    })
  }

  /** Tells one key from another, and nothing of it. */
  get fingerprint(): string {
    return this.hash('fingerprint').toString('hex').slice(0, 16)
  }

  /** A study that names no patient is one of its own. */
  patientOf(study: StudyInQuestion): Patient {
    const [id] = study.values('PatientID')
    // Two hospitals may have given the same number.
    const [issuer = ''] = id === undefined ? [] : study.values('IssuerOfPatientID')
    if (id === undefined) {
      const key = this.hash('study', study.StudyInstanceUID)
      return { key, folded: key }
    }
    return {
      key: this.hash('patient', id, issuer),
      folded: this.hash('folded', folded(id), folded(issuer)),
    }
  }

  hash(...texts: readonly string[]): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(texts)).digest().subarray(0, 16)
  }
}

function folded(text: string): string {
  return text
    .toLowerCase()
    .replace(/\s+/g, '')
    .replace(/^0+(?=.)/, '')
}

const keyBytes = 32

async function read(path: string): Promise<Buffer | undefined> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    return await handle.readFile()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Two processes may begin at once: the key of the first is the key of both. */
async function make(path: string): Promise<Buffer | undefined> {
  await createExclusively(path, randomBytes(keyBytes), { mode: 0o600, durable: true })
  return read(path)
}
