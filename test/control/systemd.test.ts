import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig, type Config } from '../../src/lib/config/index.ts'
import { hasSystemd, Systemd, unitOf } from '../../src/lib/control/index.ts'

t.test('each part has its unit', (t) => {
  const parts = [undefined, 'receiver', 'receiver-A-B', 'mpps', 'front-door', 'organize']
  t.same(
    parts.map((part) => unitOf(part)),
    [
      'fiona.target',
      'fiona-scp@default.service',
      'fiona-scp@A\\x2dB.service',
      'fiona-mpps.service',
      'fiona-front-door.service',
      'fiona-stage@organize.service',
    ],
  )
  const inboxes = [{ folder: '/srv/in' }, { folder: '/srv/A B-C/.x' }]
  const further = ['front-door-organized', 'inbox-1', 'inbox-2', 'receiver-inbox-1']
  t.same(
    further.map((part) => unitOf(part, { inboxes })),
    [
      'fiona-front-door@organized.service',
      'fiona-inbox@srv-in.service',
      'fiona-inbox@srv-A\\x20B\\x2dC-.x.service',
      'fiona-scp@inbox\\x2d1.service',
    ],
  )
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

/** A systemctl that says what it is asked, and of the units in `masked` that they are. */
function listening(test: typeof t, masked: readonly string[]) {
  const folder = test.testdir()
  const tool = join(folder, 'systemctl')
  const answer = masked.map((unit) => `*${unit}) echo LoadState=masked;; `).join('')
  writeFileSync(
    tool,
    `#!/bin/sh\nif test "$1" = show; then case "$*" in ${answer}*) echo LoadState=loaded;; esac
else printf '%s|' "$@" >>${folder}/log; echo >>${folder}/log; fi\n`,
  )
  chmodSync(tool, 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = `${folder}:${before ?? ''}`
  test.teardown(() => (process.env['PATH'] = before))
  const links = join(folder, 'fiona.target.wants')
  mkdirSync(links)
  writeFileSync(join(folder, 'log'), '')
  return {
    places: { units: join(folder, 'none'), own: folder, data: join(folder, 'none') },
    asked: () => readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(0, -1),
    link: (unit: string) => {
      symlinkSync('/nowhere', join(links, unit))
    },
  }
}

async function site(inboxes: Config['inboxes'], journals: Config['frontDoors']['journals']) {
  const config = await loadConfig(undefined)
  return { ...config, inboxes, frontDoors: { ...config.frontDoors, journals } }
}

t.test('the target wants what the configuration asks for', async (t) => {
  const system = listening(t as never, ['fiona-inbox@srv-closed.service'])
  const asking = await site(
    [{ folder: '/srv/in' }, { folder: '/srv/closed' }],
    ['received', 'organized'],
  )
  const config = {
    ...asking,
    mpps: { port: 4007 },
    projects: { A: { destinations: [], receiver: { port: 11113 } } },
  }
  await new Systemd().follow(config, system.places)
  t.same(system.asked(), [
    'enable|--|fiona-front-door@organized.service|fiona-inbox@srv-in.service|fiona-mpps.service|fiona-scp@A.service|',
  ])
})

t.test('what the configuration no longer names is stopped; what others linked stays', async (t) => {
  const system = listening(t as never, [])
  for (const unit of ['fiona-inbox@srv-old.service', 'fiona-inbox@srv-in.service'])
    system.link(unit)
  for (const unit of ['fiona-mpps.service', 'fiona-job-ours.timer']) system.link(unit)
  await new Systemd().follow(await site([{ folder: '/srv/in' }], ['received']), system.places)
  t.same(system.asked(), ['disable|--now|--|fiona-inbox@srv-old.service|'])
})

t.test('a target without links is one that nothing was added to', async (t) => {
  const system = listening(t as never, [])
  await new Systemd().follow(await site([], ['received']), {
    ...system.places,
    own: join(system.places.own, 'none'),
  })
  t.same(system.asked(), [])
})
