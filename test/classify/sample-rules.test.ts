import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { RuleSet, lintRules, loadCases, testCase } from '../../src/lib/classify/index.ts'

const folder = fileURLToPath(new URL('../../share/rules/', import.meta.url))
const files = readdirSync(folder)
const samples = files.filter((name) => name.endsWith('.json') && name !== 'default.json')

t.test('each sample rule set gives the types that the test file beside it expects', async (t) => {
  t.same(samples, ['burned-in.json', 'ct.json', 'mr.json', 'phantom.json', 'pt.json', 'us.json'])
  for (const name of samples) {
    const path = `${folder}${name}`
    const cases = await loadCases(path.replace('.json', '.test.ndjson'))
    const rules = await RuleSet.load(path, 'strict')
    const differing = await Promise.all(cases.map((each) => testCase(rules, each, name)))
    t.same(differing.flat(), [], name)
    const expected = new Set(cases.flatMap(({ expect }) => expect))
    t.same(
      rules.order.all.filter((type) => !expected.has(type)),
      [],
      `${name}: a case for each type`,
    )
  }
})

t.test('no sample rule set has anything that --lint tells of', async (t) => {
  for (const name of samples) {
    t.same((await lintRules(`${folder}${name}`, 'strict')).problems, [], name)
  }
})
