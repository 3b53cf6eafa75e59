import { readFile } from 'node:fs/promises'
import { writeFileAtomic } from './durable.ts'
import { livenessOf, ownIdentity, parseIdentity } from './process-identity.ts'

/** Says that what lies beside this file is this process's, for as long as it lives. */
export async function writeOwner(path: string): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(ownIdentity())}\n`, { durable: false })
}

/** Only when it is certain: a file that cannot be read, or of another machine, may be a living one's. */
export async function isOwnerDead(path: string): Promise<boolean> {
  try {
    const identity = parseIdentity(JSON.parse(await readFile(path, 'utf8')))
    return identity !== undefined && livenessOf(identity) === 'dead'
  } catch {
    return false
  }
}
