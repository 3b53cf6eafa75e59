import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { missing } from '../fixtures/peers.ts'
import { allPoints, runCrashTest } from './crash-run.ts'
import { Dice } from './dice.ts'

// The same every time: what it finds must be there again when somebody looks. The long form, with every
// point and other seeds, is `npm run crashtest`.
const seed = 20
const pointsHere = 6

t.test(
  'whatever is killed when, what was acknowledged arrives, once',
  { skip: missing('storescp'), timeout: 220_000 },
  async (t) => {
    const root = t.testdir()
    const points = new Dice(seed).shuffled(allPoints).slice(0, pointsHere)
    const said: string[] = []
    const plan = {
      root,
      seed,
      points,
      kills: 8,
      seconds: 12,
      say: (line: string) => said.push(line),
    }
    const result = await runCrashTest(plan)
    t.same(result.problems, [], `${said.join('; ')}\n${tail(join(root, 'chain.log'))}`)
    const killed = [...result.killed.values()].reduce((sum, count) => sum + count, 0)
    t.equal(killed, 8)
    t.ok(result.fired.length > 0, 'a fault point killed, too')
    t.ok(result.objects > 100)
  },
)

function tail(path: string): string {
  return readFileSync(path, 'utf8').split('\n').slice(-20).join('\n')
}
