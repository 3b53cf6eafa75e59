import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { run } from '../fixtures/peers.ts'
import { dcmtk, echo, site, statusOf } from './ctl-site.ts'

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

t.test('a chain that cannot come up says why', async (t) => {
  const { common, ctl } = await site(t)
  const taken = createServer().listen(common)
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  t.match(await ctl('start'), { code: 69, stderr: /port \d+ is in use/ })
  t.match(await ctl('check'), { code: 1, stdout: /error .*port of receiver[^]*hint: / })
})
