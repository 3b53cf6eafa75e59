import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot, run } from '../fixtures/peers.ts'

const fuzz = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run(process.execPath, ['--import', 'tsx', 'scripts/fuzz.mjs', ...args], { cwd: projectRoot, env })
const planted = join(projectRoot, 'test/fuzz/planted.ts')

t.test('some thousand inputs, different ones in each run, find nothing', async (t) => {
  const out = t.testdir()
  const { code, stdout, stderr } = await fuzz([
    '--inputs',
    '3000',
    '--seconds',
    '200',
    '--out',
    out,
  ])
  t.equal(code, 0, stdout + stderr)
  t.match(stdout, /^3000 inputs/)
})

t.test('a mistake is found, kept, and found again by its seed and by its file', async (t) => {
  const out = t.testdir()
  const base = ['--seconds', '30', '--out', out, '--targets', planted]
  const found = await fuzz(base)
  t.equal(found.code, 1)
  const seed = /found with seed (\d+) in throwing/.exec(found.stdout)?.[1] ?? ''
  t.match(found.stdout, /RangeError: longer than twelve/)
  const file = join(out, `throwing-${seed}.bin`)
  t.ok(readFileSync(file).length > 12)
  const again = await fuzz([...base, '--seed', seed])
  t.match(again, { code: 1, stdout: `found with seed ${seed} in throwing` })
  const fromFile = await fuzz([...base, '--file', file, '--target', 'throwing'])
  t.match(fromFile, { code: 1, stdout: /longer than twelve/ })
})

t.test('an input that does not end is found, too', async (t) => {
  const out = t.testdir()
  const args = ['--seconds', '60', '--out', out, '--targets', planted]
  const found = await fuzz(args, { PLANTED: 'endless' })
  t.equal(found.code, 1)
  t.match(found.stdout, /in endless .*\n?.*more than 2 seconds/)
})
