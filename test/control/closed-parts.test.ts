import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig, type Config } from '../../src/lib/config/index.ts'
import { closedParts, readEnabled, setDisabled } from '../../src/lib/control/index.ts'

/** Without the index, which is closed where its library is missing. */
async function doorsClosed(config: Config): Promise<string[]> {
  return [...(await closedParts(config)).keys()].filter((part) => part !== 'index')
}

async function site(t: Test) {
  const folder = t.testdir({
    config: {},
    'c.yaml':
      'dataDir: .\nmpps: {port: 4007}\nprojects: {ABCD: {receiver: {port: 4008}}, EFGH: {}}\n',
  })
  return { folder, config: await loadConfig(join(folder, 'c.yaml')) }
}

t.test('three characters close what they speak of; the third closes nothing', async (t) => {
  const { folder, config } = await site(t)
  const rows: [string, string[]][] = [
    ['110', []],
    ['000', ['mpps', 'receiver', 'receiver-ABCD']],
    ['011', ['receiver', 'receiver-ABCD']],
    ['101\n', ['mpps']],
    ['', []],
    ['0', ['receiver', 'receiver-ABCD']],
  ]
  t.equal(await readEnabled(folder), undefined)
  for (const [text, closed] of rows) {
    writeFileSync(join(folder, 'config', 'enabled'), text)
    t.same((await doorsClosed(config)).sort(), closed, JSON.stringify(text))
  }
})

t.test('what is disabled stays so until it is enabled', async (t) => {
  const { folder, config } = await site(t)
  await setDisabled(folder, 'ABCD', true)
  await setDisabled(folder, 'default', true)
  t.same(await doorsClosed(config), ['receiver', 'receiver-ABCD'])
  await setDisabled(folder, 'ABCD', false)
  t.same(await doorsClosed(config), ['receiver'])
  writeFileSync(join(folder, 'disabled.json'), '{"disabled":"ABCD"}')
  await t.rejects(closedParts(config), { code: 'E_DISABLED_LIST' }, 'no door opens by guess')
})
