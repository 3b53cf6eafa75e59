import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { hasSystemd, hasUnit, Systemd, unitOf } from '../../src/lib/control/index.ts'

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

t.test('what systemd says is told in the words of fiona-ctl', async (t) => {
  const folder = t.testdir()
  const tool = join(folder, 'systemctl')
  writeFileSync(tool, `#!/bin/sh\ncat ${folder}/said\n`)
  chmodSync(tool, 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = `${folder}:${before ?? ''}`
  t.teardown(() => (process.env['PATH'] = before))
  const systemd = new Systemd()
  const told = async (said: string): Promise<unknown> => {
    writeFileSync(join(folder, 'said'), `${said.replaceAll(' ', '\n')}\n`)
    return systemd.part('receiver')
  }
  const name = 'receiver'
  t.same(
    await told(
      'MainPID=7 NRestarts=1 Result=success LoadState=loaded ActiveState=active ExecMainStatus=0 StateChangeTimestamp=@1700000000',
    ),
    { name, state: 'running', pid: 7, since: '2023-11-14T22:13:20.000Z', restarts: 1 },
  )
  const loop =
    'MainPID=0 Result=exit-code LoadState=loaded ActiveState=activating ExecMainStatus=69'
  t.match(await told(`${loop} NRestarts=2`), { state: 'waiting', lastError: 'exit code 69' })
  t.match(await told(`${loop} NRestarts=5`), { state: 'failing', lastError: 'exit code 69' })
  t.match(
    await told('ActiveState=failed Result=exit-code ExecMainStatus=78 NRestarts=0 MainPID=0'),
    { state: 'failing', lastError: /^exit code 78; not started again/ },
  )
  t.match(await told('ActiveState=activating Result=watchdog ExecMainStatus=6 NRestarts=1'), {
    state: 'waiting',
    lastError: 'watchdog',
  })
  t.same(await told('LoadState=masked ActiveState=inactive MainPID=0 NRestarts=0'), {
    name,
    state: 'closed',
    restarts: 0,
  })
  t.equal(await systemd.isDisabled('receiver'), true)
  t.equal(await systemd.isDisabled(undefined), false)
})

t.test('what a service said at its end is read in the journal', async (t) => {
  const folder = t.testdir()
  const id = '0123456789abcdef0123456789abcdef'
  const shown = `ActiveState=failed\nResult=exit-code\nExecMainStatus=78\nInvocationID=${id}`
  const said = '{"level":50,"msg":"x"}\nerror: c.yaml:3: unknown key\nhint: correct it'
  for (const [name, text] of [
    ['systemctl', shown],
    ['journalctl', said],
  ] as const) {
    writeFileSync(join(folder, `${name}.txt`), `${text}\n`)
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\necho "$@" >> ${folder}/${name}.args\ncat ${folder}/${name}.txt\n`,
    )
    chmodSync(join(folder, name), 0o755)
  }
  const before = process.env['PATH']
  process.env['PATH'] = `${folder}:${before ?? ''}`
  t.teardown(() => (process.env['PATH'] = before))
  t.match(await new Systemd().part('receiver'), {
    state: 'failing',
    lastError: /^exit code 78; not started again.*: error: c\.yaml:3: unknown key$/,
    hint: 'correct it',
  })
  t.match(
    readFileSync(join(folder, 'journalctl.args'), 'utf8'),
    `_SYSTEMD_INVOCATION_ID=${id}`,
    'of that run alone',
  )
})

t.test('parts that only fiona up runs have no unit', (t) => {
  for (const part of ['inbox-1', 'front-door-organized']) t.notOk(hasUnit(part), part)
  for (const part of ['receiver', 'receiver-inbox-1', 'front-door', 'mpps', 'organize']) {
    t.ok(hasUnit(part), part)
  }
  t.end()
})
