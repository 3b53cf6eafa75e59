import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { run } from '../fixtures/peers.ts'

export interface GeneratedObject {
  readonly StudyInstanceUID: string
  readonly SOPInstanceUID: string
  readonly path: string
}

/** CT objects of 33 kB in as many folders as there will be associations; each folder is one study. */
export function makeObjects(root: string, folders: number, each: number): GeneratedObject[] {
  return Array.from({ length: folders }, (_, folder) => {
    const directory = join(root, `a${String(folder)}`)
    mkdirSync(directory, { recursive: true })
    return Array.from({ length: each }, (_, number) => {
      const studyUID = `2.25.77${String(folder)}`
      const series = Math.floor(number / 50)
      const sopUID = `${studyUID}.${String(series)}.${String(number)}`
      const path = join(directory, `${String(number)}.dcm`)
      const seriesUID = `${studyUID}.${String(series)}`
      const image = ctImage({
        studyUID,
        seriesUID,
        sopUID,
        instanceNumber: number,
        rows: 128,
        columns: 128,
      })
      writeFileSync(path, image)
      return { StudyInstanceUID: studyUID, SOPInstanceUID: sopUID, path }
    })
  }).flat()
}

/** @throws {Error} with what dcmsend said, unless all has arrived */
export async function dcmsend(port: number, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await run('dcmsend', ['127.0.0.1', String(port), ...args])
  if (code !== 0) throw new Error(`dcmsend ended with ${String(code)}: ${stderr}`)
}

/** One dcmsend, and so one association, for each folder below `root`, all at once. */
export async function sendFolders(root: string, port: number): Promise<void> {
  const folders = readdirSync(root).map((folder) => join(root, folder))
  await Promise.all(folders.map((folder) => dcmsend(port, '+sd', folder)))
}

export function filesBelow(root: string): string[] {
  return entriesBelow(root, 'isFile')
}

export function linksBelow(root: string): string[] {
  return entriesBelow(root, 'isSymbolicLink')
}

function entriesBelow(root: string, isWanted: 'isFile' | 'isSymbolicLink'): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry[isWanted]())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
