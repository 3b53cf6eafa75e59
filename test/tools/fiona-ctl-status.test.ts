// A stage runs while its pipeline dies again and again: status says so, with what the tool in it said.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t from 'tap'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { freePort, inProject, run } from '../fixtures/peers.ts'
import type { SiteStatus } from '../../src/lib/control/index.ts'
import { until } from './ctl-site.ts'
import { newDataDir } from './scp.ts'

const isStatus = new Ajv().compile(
  JSON.parse(readFileSync(inProject('docs/schema/status.json'), 'utf8')) as object,
)

t.test('a pipeline that fails is told until it is mended', async (t) => {
  const folder = newDataDir(t)
  const rules = join(folder, 'rules.json')
  const configPath = join(folder, 'c.json')
  const receiver = { port: await freePort() }
  writeFileSync(rules, '[{"type": "T1", "rules": [{"tag": ["0x08"')
  writeFileSync(
    configPath,
    JSON.stringify({ dataDir: 'data', receiver, classification: { rules: 'rules.json' } }),
  )
  const env = { FIONA_CONFIG: configPath }
  const ctl = (...words: string[]) => run('fiona-ctl', words, { env })
  t.teardown(() => ctl('stop'))
  t.equal((await ctl('start')).code, 0)
  const status = async (): Promise<SiteStatus> => {
    const said: unknown = JSON.parse((await ctl('status', '--json')).stdout)
    t.ok(isStatus(said), JSON.stringify(isStatus.errors))
    return said as SiteStatus
  }
  const organize = async () => (await status()).parts.find(({ name }) => name === 'organize')
  await until(async () => (await organize())?.state === 'failing')
  const part = await organize()
  t.match(part, { lastError: /^its pipeline: exit code 78: error: .*rules\.json/ })
  t.ok((part?.hint ?? '').length > 5)
  t.ok((part?.pid ?? 0) > 0, 'the stage itself runs')
  t.match((await status()).stages[0]?.failing, { failures: Number, since: part?.since })
  const screen = await ctl('status')
  t.equal(screen.code, 1)
  t.match(screen.stdout, /organize +failing/)
  t.match(screen.stdout.replaceAll(/\s+/g, ' '), part?.hint ?? 'a hint', 'wrapped, not cut')

  writeFileSync(rules, '[]')
  const file = join(folder, 'ct.dcm')
  writeFileSync(file, ctImage({ instanceNumber: 1 }))
  t.equal((await run('fiona-import', ['--journal', 'received', file], { env })).code, 0)
  await until(async () => (await organize())?.state === 'running')
  const cursors = readdirSync(join(folder, 'data', 'journal', 'received', 'cursors'))
  t.notOk(cursors.includes('organize.failing'))
  t.equal((await status()).ok, true)
})
