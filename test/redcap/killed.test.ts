import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t from 'tap'
import type { FaultPoint } from '../../src/lib/fault/index.ts'
import { tsx } from '../fixtures/program.ts'
import { serveSite, startSource } from './sourced.ts'

const script = new URL('told-source.ts', import.meta.url).pathname
const names = ['1.2.3', '1.2.4', '1.2.5']

const points = [
  'redcap.waits:2',
  'redcap.noted:2',
  'redcap.written:2',
  'redcap.named:1',
] satisfies `${FaultPoint}:${number}`[]
for (const point of points) {
  t.test(`killed at ${point}: what was said to be safe comes to REDCap, and once`, async (t) => {
    const site = await serveSite(t)
    const state = `${site.directory}/state`
    const args = [
      '--import',
      tsx,
      script,
      site.server.url,
      site.config.tokenFile,
      site.config.autoIdTokenFile ?? '',
      state,
      ...names,
    ]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, FIONA_FAULT_POINT: point },
    })
    const [safe] = await Promise.all([text(child.stdout), once(child, 'exit')])
    t.equal(child.signalCode, 'SIGKILL')
    const after = await startSource(t, site)
    await after.until(() => after.source.waiting === 0)
    const told = names.filter((name) => safe.includes(`safe ${name}\n`))
    t.ok(told.length > 0, safe)
    t.match(
      site.autoIds.lines.map(({ values }) => Object.fromEntries(values)),
      [{ autoid_project_name: 'ABCD', autoid_value: 'ABCD_001' }],
      'all are of one patient, whose name is there once',
    )
    t.equal(site.autoIds.lines.length, 1)
    for (const name of told) {
      t.match(site.incoming.instances(name, 'series'), [{ series_instance_uid: `${name}.1` }])
      t.match(site.incoming.instances(name, 'transfers'), [
        { transfer_name: 'ABCD_001', transfers_complete: '2', transfer_error_message: '' },
      ])
    }
  })
}
