import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'
import { siteStatus, statusScreen } from '../../src/lib/control/index.ts'
import { newDataDir } from '../tools/scp.ts'

t.test('what waits for a person is told with the command that decides', async (t) => {
  const folder = newDataDir(t)
  const path = join(folder, 'c.yaml')
  writeFileSync(path, 'dataDir: .\nrunDir: run\nreceiver: {port: 0}\n')
  const config = await loadConfig(path)
  t.strictSame((await siteStatus(config, undefined)).held, [])
  const state = join(folder, 'state/fiona-request')
  mkdirSync(state, { recursive: true })
  const since = '2026-01-02T12:00:00.000Z'
  const held = [
    { state: 'held', studies: 2, since },
    { state: 'waiting', studies: 1, since: 'yesterday' },
    { state: 'decided', studies: 9, since },
    null,
  ]
  writeFileSync(join(state, 'status.json'), JSON.stringify({ v: 1, held }))
  for (const name of ['R1', 'R2', 'decided']) {
    mkdirSync(join(folder, 'default/review', name), { recursive: true })
    if (name !== 'decided') writeFileSync(join(folder, 'default/review', name, 'held.json'), '{}')
  }
  const status = await siteStatus(config, undefined)
  const how = 'fiona request waiting'
  t.match(status.held, [
    { by: 'fiona-request', state: 'held', studies: 2, since, how },
    { by: 'fiona-request', state: 'waiting', studies: 1, how },
    { by: 'fiona-anon', state: 'held', studies: 2, since: /Z$/, how: 'fiona-anon review' },
  ])
  t.equal(status.held.length, 3)
  const screen = statusScreen(status)
  t.match(screen, /^held: 2 studies \(\d+ \w+\); decide: fiona request waiting$/m)
  t.match(screen, /^held: 2 studies .*; decide: fiona-anon review$/m)
  t.match(screen, /^waiting: 1 study; decide: fiona request waiting$/m)
  writeFileSync(join(state, 'status.json'), '{"held":')
  t.equal((await siteStatus(config, undefined)).held.length, 1, 'a damaged file says nothing')
})
