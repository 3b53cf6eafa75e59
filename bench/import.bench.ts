// Importing many small objects: where each costs most beside its bytes. First into an empty archive, then
// again, as after an import that was stopped; from a folder, from a ZIP file, and in place. Beside them what a
// shell would do, which syncs and checks nothing. The disk decides the copies: all run in turns on the same one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ctImage } from '../test/fixtures/dicom-writer.ts'
import { zipFile } from '../test/fixtures/zip-writer.ts'
import { medianOf } from './median.ts'

const tool = fileURLToPath(new URL('../bin/fiona-import', import.meta.url))
const rounds = 3
const objects = 5000

export default {
  name: 'import',
  title: `Importing ${objects.toLocaleString('en')} objects of 1.2 kB, start of the process included`,
  async run() {
    const root = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
    const [folder, zip, data] = ['in', 'in.zip', 'data'].map((name) => join(root, name)) as [
      string,
      string,
      string,
    ]
    try {
      const files = Array.from({ length: objects }, (_, n) => ({
        name: `${String(n)}.dcm`,
        data: ctImage({ sopUID: `2.25.${String(n)}` }),
      }))
      mkdirSync(folder)
      for (const { name, data: bytes } of files) writeFileSync(join(folder, name), bytes)
      writeFileSync(zip, zipFile(files))
      const into = [tool, '--data-dir', data]
      const fresh = (): void => rmSync(data, { recursive: true, force: true })
      const copy = join(root, 'copy')
      const all: [string, string[], () => void][] = [
        ['a folder, in place', [tool, '--in-place', folder], fresh],
        ['a folder, into the archive', [...into, folder], fresh],
        ['the same again: all stored already', [...into, folder], () => undefined],
        ['a ZIP file, into the archive', [...into, zip], fresh],
        [
          'cp -r (no sync, no check)',
          ['cp', '-r', folder, copy],
          () => rmSync(copy, { recursive: true, force: true }),
        ],
        ['dcmdump of each', ['sh', '-c', `cd ${folder} && ls | xargs dcmdump +P 0008,0018`], fresh],
      ]
      const figures = new Map<string, number[]>()
      for (let round = 0; round < rounds; round++) {
        for (const [who, command, prepare] of all) {
          prepare()
          figures.set(who, [...(figures.get(who) ?? []), objects / (await secondsOf(command))])
        }
      }
      return {
        rows: all.map(([who]) => {
          const rates = figures.get(who) ?? []
          const [best, median] = [Math.max(...rates), medianOf(rates)]
          return { who, best: Math.round(best), median: Math.round(median), unit: 'objects/s' }
        }),
      }
    } finally {
      rmSync(root, { recursive: true })
    }
  },
}

async function secondsOf([command = '', ...args]: readonly string[]): Promise<number> {
  const start = performance.now()
  const child = spawn(command, args, {
    stdio: 'ignore',
    env: { ...process.env, FIONA_CONFIG: '' },
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}`)
  return (performance.now() - start) / 1000
}
