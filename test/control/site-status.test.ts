import { chmodSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import t, { type Test } from 'tap'
import { saveFailing } from '../../src/lib/chain/index.ts'
import { loadConfig } from '../../src/lib/config/index.ts'
import {
  ControlServer,
  controlSocket,
  siteStatus,
  statusScreen,
  Systemd,
  withReasons,
  type ControlAnswer,
} from '../../src/lib/control/index.ts'
import { ownIdentity } from '../../src/lib/storage/index.ts'
import { inProject } from '../fixtures/peers.ts'
import { newDataDir } from '../tools/scp.ts'

async function site(t: Test) {
  const folder = newDataDir(t)
  const path = join(folder, 'c.yaml')
  writeFileSync(path, 'dataDir: .\nrunDir: run\nreceiver: {port: 0}\n')
  mkdirSync(join(folder, 'run'))
  const journal = (name: string, segment: string, text: string | Buffer): string => {
    mkdirSync(join(folder, 'journal', name), { recursive: true })
    const file = join(folder, 'journal', name, segment)
    writeFileSync(file, text)
    return file
  }
  return { folder, journal, config: await loadConfig(path) }
}

const record = (time: Date): string => `{"v":1,"type":"error","time":"${time.toISOString()}"}\n`

t.test('today counts records of today, and segments that rested are not read', async (t) => {
  const { config, journal } = await site(t)
  const yesterday = new Date(Date.now() - 86_400_000)
  journal('errors', 'a.ndjson', record(yesterday) + record(new Date()))
  // Its times lie: were it read, it would count.
  utimesSync(journal('errors', 'b.ndjson', record(new Date())), yesterday, yesterday)
  const { journals } = await siteStatus(config, undefined)
  const bytes = 3 * record(yesterday).length
  t.same(journals, [{ name: 'errors', bytes, today: 1 }])
})

t.test('what a stage has before it is counted to a bound', async (t) => {
  const { config, journal } = await site(t)
  const first = record(new Date(0))
  journal('received', 'a.ndjson', `${first}{}\n`)
  const few = (await siteStatus(config, undefined)).stages.find(({ name }) => name === 'organize')
  t.same(few, { name: 'organize', lag: 2, oldest: '1970-01-01T00:00:00.000Z' })
  journal('received', 'b.ndjson', Buffer.alloc(66 << 20, `${'x'.repeat(1023)}\n`))
  const status = await siteStatus(config, undefined)
  const many = status.stages.find(({ name }) => name === 'organize')
  t.equal(many?.more, true)
  t.ok(many !== undefined && many.lag >= 65_536 && many.lag < 66 * 1024 + 2)
  t.match(statusScreen({ ...status, parts: [{ name: 'organize', state: 'running' }] }), /\d\+ \(/)
})

/** `parts[].name` for each value in it. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    const rows: unknown[] = value
    return rows.length === 0 ? [`${path}[]`] : rows.flatMap((row) => keysOf(row, `${path}[]`))
  }
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([key, inner]) =>
    keysOf(inner, path === '' ? key : `${path}.${key}`),
  )
}

const failing = {
  since: new Date().toISOString(),
  failures: 3,
  lastError: 'exit code 78',
  hint: 'mend',
}

const isStatus = new Ajv().compile(
  JSON.parse(readFileSync(inProject('docs/schema/status.json'), 'utf8')) as object,
)

t.test('the schema refuses what is no status', async (t) => {
  const { config } = await site(t)
  const status = await siteStatus(config, undefined)
  t.ok(isStatus(status), JSON.stringify(isStatus.errors))
  const wrong = [
    { ...status, more: 1 },
    { ...status, trouble: 'none' },
    { ...status, parts: [{ name: 'receiver', state: 'well' }] },
  ]
  for (const one of wrong) t.notOk(isStatus(one), JSON.stringify(one).slice(-100))
})

t.test('a stage that runs is failing when its pipeline is, under systemd, too', async (t) => {
  const { folder, config } = await site(t)
  const tool = join(folder, 'systemctl')
  writeFileSync(tool, '#!/bin/sh\necho ActiveState=active; echo LoadState=loaded; echo MainPID=7\n')
  chmodSync(tool, 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = `${folder}:${before ?? ''}`
  t.teardown(() => (process.env['PATH'] = before))
  const directory = join(folder, 'journal', 'received')
  mkdirSync(join(directory, 'cursors'), { recursive: true })
  const organize = async () => {
    const status = await siteStatus(config, new Systemd())
    t.ok(isStatus(status), JSON.stringify(isStatus.errors))
    return { ...status.parts.find(({ name }) => name === 'organize'), trouble: status.trouble }
  }
  await saveFailing(directory, 'organize', { ...failing, failures: 2 })
  t.match(await organize(), { state: 'running', trouble: [] }, 'once, or twice, is no trouble yet')
  await saveFailing(directory, 'organize', failing)
  t.match(await organize(), {
    state: 'failing',
    since: failing.since,
    lastError: 'its pipeline: exit code 78',
    trouble: ['organize is failing: its pipeline: exit code 78; mend'],
  })
  writeFileSync(join(directory, 'cursors', 'organize.failing'), '{"v":1,')
  t.match(await organize(), { state: 'running', trouble: [] })
})

t.test('docs/operating.md describes each key of status, and none that is not', async (t) => {
  const { folder, config, journal } = await site(t)
  journal('errors', 'a.ndjson', record(new Date()))
  journal('received', 'b.ndjson', Buffer.alloc(66 << 20, `${'x'.repeat(1023)}\n`))
  journal('received', 'a.ndjson', record(new Date()))
  const since = new Date().toISOString()
  const parts = [
    {
      name: 'organize',
      state: 'waiting',
      since,
      restarts: 1,
      lastError: 'exit code 1',
      pid: 1,
      hint: 'mend it',
    },
    { name: 'receiver', state: 'closed', since, restarts: 0, reason: 'it is disabled' },
  ]
  const answer: ControlAnswer = { pid: 1, since, parts, ports: { receiver: 0 } }
  const control = await ControlServer.open(controlSocket(join(folder, 'run')), async () => answer)
  t.teardown(() => control[Symbol.asyncDispose]())
  mkdirSync(join(folder, 'journal', 'received', 'cursors'))
  await saveFailing(join(folder, 'journal', 'received'), 'organize', failing)
  const lane = {
    destination: 'research',
    state: 'down',
    since,
    studies: 2,
    lastError: { code: 'E_CONNECT', message: 'nobody listens', time: since },
    process: ownIdentity(),
  }
  const lanes = join(folder, 'state', 'fiona-send', 'status', 'deliver')
  mkdirSync(lanes, { recursive: true })
  writeFileSync(join(lanes, `${'0'.repeat(40)}.json`), JSON.stringify(lane))
  mkdirSync(join(folder, 'default', 'review', 'R1'), { recursive: true })
  writeFileSync(join(folder, 'default', 'review', 'R1', 'held.json'), '{}')
  const status = await siteStatus(config, undefined)
  t.ok(isStatus(status), JSON.stringify(isStatus.errors))
  t.match(status.trouble.join(), /research does not answer since .*nobody listens/)
  const said = new Set(keysOf(status))
  const table =
    readFileSync(inProject('docs/operating.md'), 'utf8').split('| `status --json` |')[1] ?? ''
  const rows = (table.split('\n\n')[0] ?? '').split('\n').slice(2)
  const documented = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, key]) => key),
  )
  t.same([...said].sort(), documented.sort())
})

t.test('to systemd a part that is closed on purpose is inactive: it is told which', async (t) => {
  const parts = [
    { name: 'receiver', state: 'stopped', restarts: 0 },
    { name: 'mpps', state: 'running', restarts: 0 },
    { name: 'organize', state: 'stopped', restarts: 0 },
  ] as const
  const closed = new Map([
    ['receiver', 'the first character is 0'],
    ['mpps', 'the second character is 0'],
  ])
  t.same(withReasons(parts, closed), [
    { name: 'receiver', state: 'closed', restarts: 0, reason: 'the first character is 0' },
    ...parts.slice(1),
  ])
})
