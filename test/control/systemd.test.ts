import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hasSystemd, Systemd, unitOf } from '../../src/lib/control/index.ts'

t.test('each part has its unit', (t) => {
  const parts = [undefined, 'receiver', 'receiver-A-B', 'mpps', 'front-door', 'organize']
  t.same(parts.map(unitOf), [
    'fiona.target',
    'fiona-scp@default.service',
    'fiona-scp@A\\x2dB.service',
    'fiona-mpps.service',
    'fiona-front-door.service',
    'fiona-stage@organize.service',
  ])
  t.end()
})

t.test('systemctl gets arguments, never a shell', async (t) => {
  const folder = t.testdir()
  const tool = join(folder, 'systemctl')
  const script = `#!/bin/sh\nprintf '%s|' "$@" >> ${folder}/log\necho >> ${folder}/log\n`
  writeFileSync(tool, `${script}echo ActiveState=failed; echo MainPID=0; echo NRestarts=7\n`)
  chmodSync(tool, 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = `${folder}:${before ?? ''}`
  t.teardown(() => (process.env['PATH'] = before))
  const systemd = new Systemd()
  await systemd.perform('restart', undefined)
  await systemd.perform('disable', 'receiver-$(id)')
  t.match(await systemd.part('deliver'), { state: 'failing', restarts: 7 })
  t.same(readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').slice(0, 2), [
    'restart|--|fiona.target|',
    'mask|--now|--|fiona-scp@\\x24\\x28id\\x29.service|',
  ])
  t.equal(await hasSystemd(join(folder, 'none')), false)
})
