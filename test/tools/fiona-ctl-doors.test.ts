import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dcmtk, echo, site, until } from './ctl-site.ts'

t.test('a door closes and opens alone, and stays disabled over a restart', dcmtk, async (t) => {
  const { common, own, ctl } = await site(t)
  await ctl('start')
  await until(() => echo(own))
  t.equal((await ctl('disable', 'ABCD')).code, 0)
  t.notOk(await echo(own))
  t.ok(await echo(common))
  t.match(await ctl('start', 'ABCD'), { code: 77, stderr: /fiona-ctl enable ABCD/ })
  t.equal((await ctl('restart')).code, 0)
  t.notOk(await echo(own))
  t.equal((await ctl('enable', 'ABCD')).code, 0)
  await until(() => echo(own))
  t.equal((await ctl('stop', 'ABCD')).code, 0)
  t.notOk(await echo(own))
  t.match(await ctl('stop', 'EFGH'), { code: 64, stderr: /no door of its own[^]*hint: .*EFGH/ })
  t.match(await ctl('stop', 'NONE'), { code: 64, stderr: /doors: default, ABCD/ })
})

t.test('the enabled file of an original site is obeyed while it runs', dcmtk, async (t) => {
  const { folder, common, ctl } = await site(t)
  mkdirSync(join(folder, 'data', 'config'), { recursive: true })
  const enabled = join(folder, 'data', 'config', 'enabled')
  writeFileSync(enabled, '110')
  await ctl('start')
  t.ok(await echo(common))
  writeFileSync(enabled, '010')
  await until(async () => !(await echo(common)))
  t.match(await ctl('start', 'default'), { code: 77, stderr: /first character/ })
  writeFileSync(enabled, '110')
  await until(() => echo(common))
})
