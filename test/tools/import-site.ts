/** What the tests of fiona-import share: a data directory of their own, and runs of the real tool. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readJournal } from '../../src/lib/journal/index.ts'
import type { AnyRecord, InstanceRecord } from '../../src/lib/record/index.ts'
import { binDir, run as runCommand } from '../fixtures/peers.ts'

export const env = { FIONA_CONFIG: '' }
export const tool = `${binDir}/fiona-import`

export async function run(args: readonly string[], input = '', cwd?: string) {
  const done = await runCommand(tool, args, { input, env, ...(cwd === undefined ? {} : { cwd }) })
  const lines = done.stdout.split('\n').filter((line) => line !== '')
  return { ...done, records: lines.map((line) => JSON.parse(line) as AnyRecord) }
}
export const instances = (records: readonly AnyRecord[]) =>
  records.filter(({ type }) => type === 'instance') as unknown as InstanceRecord[]
export const errors = (records: readonly AnyRecord[]) =>
  records.filter(({ type }) => type === 'error')
export const codes = (records: readonly AnyRecord[]) =>
  records.map((record) => record['code'] ?? record.type)
export const sha256 = (path: string) =>
  createHash('sha256').update(readFileSync(path)).digest('hex')
/** What error records hold of a file: enough to try it again from anywhere. */
export const pathRecord = (path: string) => ({ type: 'path', path })

/** All records of a journal below `<root>/data`. */
export async function journal(root: string, name: string): Promise<AnyRecord[]> {
  let text = ''
  for await (const { lines } of readJournal(join(root, 'data/journal', name)))
    text += lines.toString()
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as AnyRecord)
}

/** Looks again and again, soon. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}
