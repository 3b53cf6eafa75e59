import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** The original's control file: each character `0` is off, anything else on. */
export interface Enabled {
  readonly path: string
  readonly reception: boolean
  readonly mpps: boolean
  /** Shown only: nothing is ever sent that was not de-identified. */
  readonly anonymize: boolean
}

/** Where the original's scripts look, and where its readme says. */
export function enabledPath(dataDir: string): readonly string[] {
  return [join(dataDir, 'config', 'enabled'), join(dataDir, 'enabled')]
}

/** @returns undefined where there is none; what cannot be read is thrown, for nobody knows what it says */
export async function readEnabled(dataDir: string): Promise<Enabled | undefined> {
  for (const path of enabledPath(dataDir)) {
    const text = await firstCharacters(path)
    if (text !== undefined) {
      const isOn = (at: number): boolean => text[at] !== '0'
      return { path, reception: isOn(0), mpps: isOn(1), anonymize: isOn(2) }
    }
  }
  return undefined
}

async function firstCharacters(path: string): Promise<string | undefined> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  })
  if (handle === undefined) return undefined
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(3), 0, 3, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
