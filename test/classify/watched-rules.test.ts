import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Classifier, WatchedRules } from '../../src/lib/classify/index.ts'
import { completed, folder, seriesOf, store, study, typesOf } from './classified.ts'

const rules = (type: string) =>
  JSON.stringify([{ type, rules: [{ tag: ['Modality'], value: 'CT' }] }])

t.test('a change is taken, a mistake is told once and changes nothing', async (t) => {
  const path = join(folder(), 'rules.json')
  writeFileSync(path, rules('one'))
  const watched = await WatchedRules.open(path, 'strict', 0)
  const look = () => watched.look(0)
  t.equal(await look(), undefined, 'nothing has changed')

  const first = watched.rules
  writeFileSync(path, '[{"type":"two",\n "rules":[{"rule":"none"}]}]')
  t.match(await look(), {
    refused: { code: 'E_RULES', message: /:2:19: no definition has the id/ },
  })
  t.equal(await look(), undefined, 'told once')
  t.equal(watched.rules, first)
  rmSync(path)
  t.match(await look(), { refused: { message: /no rule file at/ } })
  t.equal(watched.rules, first)

  writeFileSync(`${path}.new`, rules('three'))
  renameSync(`${path}.new`, path)
  const change = await look()
  t.ok(change !== undefined && 'rules' in change && change.rules === watched.rules)
  t.same(watched.rules.order.sort(['one', 'three']), ['three'])
})

t.test(
  'it asks to be looked at again some seconds later, and needs rules to begin with',
  async (t) => {
    const path = join(folder(), 'rules.json')
    await t.rejects(WatchedRules.open(path, 'strict', 0), { code: 'E_RULES' })
    writeFileSync(path, rules('one'))
    const watched = await WatchedRules.open(path, 'strict', 1000)
    t.ok(watched.dueAt() > 1000)
    await watched.look(50_000)
    t.ok(watched.dueAt() > 50_000)
  },
)

t.test('what went by is held against the new rules too', async (t) => {
  const directory = folder()
  const record = store(directory, {})
  const path = join(directory, 'rules.json')
  writeFileSync(path, rules('one'))
  const watched = await WatchedRules.open(path, 'strict', 0)
  const classifier = new Classifier(watched.rules)
  t.same(await typesOf(classifier, record), ['one'])
  writeFileSync(path, rules('other'))
  await watched.look(0)
  classifier.useRules(watched.rules)
  const series = {
    type: 'series',
    StudyInstanceUID: study,
    SeriesInstanceUID: seriesOf(1),
    path: null,
    files: [String(record['path'])],
    instances: 1,
    ...completed,
  }
  t.same(await typesOf(classifier, series), ['other'])
})
