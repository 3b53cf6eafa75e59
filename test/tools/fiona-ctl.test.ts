import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { newDataDir } from './scp.ts'

const dcmtk = { skip: missing('echoscu', 'storescu') }

async function site(t: Test) {
  const folder = newDataDir(t)
  const [common, own] = [await freePort(), await freePort()]
  const config = {
    dataDir: 'data',
    receiver: { port: common },
    projects: { ABCD: { receiver: { port: own } }, EFGH: {} },
  }
  const path = join(folder, 'c.json')
  writeFileSync(path, JSON.stringify(config))
  const ctl = (...words: string[]) => run('fiona-ctl', words, { env: { FIONA_CONFIG: path } })
  t.teardown(() => ctl('stop'))
  return { folder, common, own, ctl }
}

const echo = async (port: number): Promise<boolean> =>
  (await run('echoscu', ['127.0.0.1', String(port)])).code === 0

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await delay(100)
}

async function statusOf(ctl: (...words: string[]) => Promise<{ stdout: string }>) {
  const { stdout } = await ctl('status', '--json')
  return JSON.parse(stdout) as {
    pid: number
    ok: boolean
    parts: { name: string; state: string; pid?: number }[]
  }
}

t.test('two that start at once start one chain; stop ends it', dcmtk, async (t) => {
  const { folder, common, ctl } = await site(t)
  t.equal((await ctl('status')).code, 1)
  const both = await Promise.all([ctl('start'), ctl('start')])
  t.same(
    both.map(({ code, stderr }) => [code, stderr]),
    [
      [0, ''],
      [0, ''],
    ],
  )
  t.ok(await echo(common))
  const file = join(folder, 'ct.dcm')
  writeFileSync(file, ctImage({ instanceNumber: 1 }))
  t.equal((await run('storescu', ['127.0.0.1', String(common), file])).code, 0)
  const { pid, ok } = await statusOf(ctl)
  t.equal(ok, true)
  const screen = await ctl('status')
  t.equal(screen.code, 0)
  t.ok(screen.stdout.split('\n').every((line) => line.length <= 80))
  process.kill(pid, 'SIGKILL')
  t.equal((await ctl('start')).code, 0, 'the socket of a killed chain is no obstacle')
  t.not((await statusOf(ctl)).pid, pid)
  t.equal((await ctl('stop')).code, 0)
  t.notOk(await echo(common))
  t.equal((await ctl('stop')).code, 0, 'what does not run is stopped')
})

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

t.test('a chain that cannot come up says why', async (t) => {
  const { common, ctl } = await site(t)
  const { createServer } = await import('node:net')
  const taken = createServer().listen(common)
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  t.match(await ctl('start'), { code: 69, stderr: /port \d+ is in use/ })
  t.match(await ctl('check'), { code: 1, stdout: /error .*port of receiver[^]*hint: / })
})
