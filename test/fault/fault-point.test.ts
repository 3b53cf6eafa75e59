import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { faultPoints } from '../../src/lib/fault/index.ts'
import { readArmed } from '../../src/lib/fault/read-armed.ts'
import { projectRoot } from '../fixtures/peers.ts'

const room = fileURLToPath(new URL('../../src/lib/fault/index.ts', import.meta.url))

/** A process that passes one point five times, telling how often it came so far. */
function passing(env: NodeJS.ProcessEnv) {
  const script = `
    const { faultPoint } = await import(${JSON.stringify(room)})
    for (let i = 1; i <= 5; i++) {
      process.stdout.write(String(i))
      faultPoint('cursor.saved')
    }`
  const { signal, stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { encoding: 'utf8', cwd: projectRoot, env: { ...process.env, ...env } },
  )
  return { signal, stdout, status }
}

t.test('an armed point kills at the passage that was asked for, and once', (t) => {
  const FIONA_FAULT_DIRECTORY = t.testdir()
  const armed = { FIONA_FAULT_DIRECTORY, FIONA_FAULT_POINT: 'cursor.saved:3,ledger.added' }
  t.match(passing(armed), { signal: 'SIGKILL', stdout: '123' })
  t.same(readdirSync(FIONA_FAULT_DIRECTORY), ['cursor.saved'])
  t.match(passing(armed), { signal: null, stdout: '12345', status: 0 }, 'it has killed already')
  t.end()
})

t.test('unarmed, nothing happens', (t) => {
  t.match(passing({ FIONA_FAULT_POINT: '' }), { signal: null, stdout: '12345', status: 0 })
  t.end()
})

t.test('a name that is none is refused: a point that never fires proves nothing', (t) => {
  for (const text of ['cursor.save', 'cursor.saved:0', 'cursor.saved:x', 'cursor.saved:1.5']) {
    t.throws(() => readArmed(text), RangeError, text)
  }
  t.end()
})

t.test('every name in the list stands in exactly one place of the source', (t) => {
  const folder = join(projectRoot, 'src')
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('/fault/'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
  const called = [...sources.matchAll(/faultPoint\('([^']+)'\)/g)].map(([, name]) => name)
  t.same(called.sort(), [...faultPoints].sort())
  t.end()
})
