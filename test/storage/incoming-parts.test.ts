import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tsx } from '../fixtures/program.ts'
import { IncomingParts } from '../../src/lib/storage/incoming-parts.ts'
import { partsIn } from '../fixtures/incoming.ts'

const partsUrl = new URL('../../src/lib/storage/incoming-parts.ts', import.meta.url).href

/** What a process leaves that is killed while it receives. */
function killedWriter(folder: string): string {
  const script = `
    import { writeFileSync } from 'node:fs'
    const { IncomingParts } = await import(${JSON.stringify(partsUrl)})
    const path = (await IncomingParts.open(${JSON.stringify(folder)})).next()
    writeFileSync(path, 'half an object')
    console.log(path)
    process.kill(process.pid, 'SIGKILL')`
  const args = [`--import=${tsx}`, '--input-type=module', '-e', script]
  return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout.trim()
}

t.test('what a killed process left is removed by whoever comes next', async (t) => {
  const dataDir = t.testdir()
  const folder = join(dataDir, 'incoming')
  const left = killedWriter(folder)
  t.ok(existsSync(left))
  await IncomingParts.open(folder)
  t.same(partsIn(dataDir), [])
  t.equal(readdirSync(folder).length, 1, 'only who lives is named')
})

t.test('what a living process is writing is not touched', async (t) => {
  const dataDir = t.testdir()
  const folder = join(dataDir, 'incoming')
  const path = (await IncomingParts.open(folder)).next()
  writeFileSync(path, 'half an object')
  const other = await IncomingParts.open(folder)
  t.ok(existsSync(path))
  t.not(other.next(), path)
})

t.test('files of which nobody can say whose they are stay', async (t) => {
  const dataDir = t.testdir({
    incoming: { 'x.owner.json': 'no JSON', 'x-1.part': '', 'y-1.part': '', 'z.owner.json': '{}' },
  })
  await IncomingParts.open(join(dataDir, 'incoming'))
  t.same(partsIn(dataDir).sort(), ['x-1.part', 'y-1.part'])
})
