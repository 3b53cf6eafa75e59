// The REDCap of a site, served for a test: its projects as share/redcap has them.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { Field, ProjectSetup } from './server.ts'

export const tokens = {
  incoming: '0A1B2C3D4E5F60718293A4B5C6D7E8F9',
  projects: '1A1B2C3D4E5F60718293A4B5C6D7E8F9',
  routing: '2A1B2C3D4E5F60718293A4B5C6D7E8F9',
  couplings: '3A1B2C3D4E5F60718293A4B5C6D7E8F9',
  autoIds: '5A1B2C3D4E5F60718293A4B5C6D7E8F9',
  own: '4A1B2C3D4E5F60718293A4B5C6D7E8F9',
} as const

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'fiona-redcap-'))

export function tokenFile(directory: string, name: keyof typeof tokens): string {
  const path = join(directory, `${name}.token`)
  writeFileSync(path, `${tokens[name]}\n`, { mode: 0o600 })
  return path
}

/** A project made of a data dictionary (CSV), as an administrator uploads it. */
export function setupOf(
  name: string,
  more: Omit<ProjectSetup, 'fields' | 'title'> = {},
): ProjectSetup {
  const path = new URL(`../../share/redcap/${name}.csv`, import.meta.url)
  const [, ...rows] = readCsv(readFileSync(path, 'utf8'))
  const fields = rows.map(
    ([field = '', form = '', , type = '', , choices = '', , validation = '']): Field => ({
      name: field,
      form,
      type,
      ...(choices === '' ? {} : { choices }),
      ...(validation === '' ? {} : { validation }),
    }),
  )
  return { title: name, fields, ...more }
}

function readCsv(text: string): string[][] {
  const rows: string[][] = []
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)]
    rows.push(cells.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain))
  }
  return rows
}

export const repeats = {
  Incoming: ['series', 'transfers'],
  DataTransferProjects: ['rewritepixelexclusions'],
  Project: ['imaging'],
} as const
