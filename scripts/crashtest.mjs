// `npm run crashtest -- --kills 100 --seconds 120`: kills -9 whatever belongs to a running chain, at random
// moments and at every fault point, while a sender sends; then compares what arrived with what was
// acknowledged. The same `--seed` makes the same load and the same choices. What failed keeps its directory.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { allPoints, runCrashTest } from '../test/crash/crash-run.ts'

process.env.TCP_NODELAY = '1'
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string' },
    points: { type: 'string' },
    keep: { type: 'boolean' },
  },
})
const seed = Number(values.seed ?? Date.now() % 2 ** 32)
const [kills, seconds] = [Number(values.kills), Number(values.seconds)]
if (![seed, kills].every(Number.isSafeInteger) || !(seconds > 0)) {
  console.error('error: --kills, --seconds and --seed take numbers')
  console.error('hint: npm run crashtest -- --kills 100 --seconds 120')
  process.exit(64)
}
const points = values.points === undefined ? allPoints : values.points.split(',').filter(Boolean)

const root = mkdtempSync(join(tmpdir(), 'fiona-crash-'))
console.log(`seed ${seed}, in ${root}`)
const result = await runCrashTest({ root, kills, seconds, seed, points, say: console.log })
console.table(Object.fromEntries([...result.killed].sort().map(([who, times]) => [who, { times }])))
const silent = points.filter((point) => !result.fired.includes(point))
console.log(
  `${result.objects} objects, ${result.stores} C-STOREs of the sender, ${result.repeats} repeats to the PACS`,
)
console.log(`fault points that killed: ${result.fired.length} of ${points.length}`)
if (silent.length > 0) console.log(`not reached: ${silent.join(', ')}`)
for (const problem of result.problems) console.log(`problem: ${problem}`)
if (result.problems.length > 0) {
  console.log(
    `kept: ${root}; again: npm run crashtest -- --kills ${kills} --seconds ${seconds} --seed ${seed}`,
  )
  process.exitCode = 1
} else {
  if (!values.keep) rmSync(root, { recursive: true })
  console.log('nothing lost, nothing twice')
}
