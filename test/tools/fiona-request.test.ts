import { once } from 'node:events'
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { run, start } from '../fixtures/peers.ts'
import { study } from '../request/requests.ts'

process.env['NODE_OPTIONS'] = ''

const linesOf = (records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('')
const recordsIn = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnyRecord)
const mark = (seq: number, committed = 0) => ({ type: 'mark', seq, committed })

function site(dir: string, settings: object) {
  const config = join(dir, 'fiona.json')
  writeFileSync(config, JSON.stringify({ dataDir: 'var', ...settings }))
  return config
}

t.test(
  'by hand without a data directory: all that is known, and an error for the rest',
  async (t) => {
    const other = { type: 'weather', is: 'fine' }
    const { code, stdout } = await run('fiona-request', [], {
      input: linesOf([other, study(1)]),
      env: { FIONA_CONFIG: '' },
    })
    t.equal(code, 1)
    t.match(recordsIn(stdout), [
      other,
      {
        type: 'error',
        code: 'E_REQUEST_UNMATCHED',
        record: { type: 'study', StudyInstanceUID: '1.2.1' },
      },
    ])
  },
)

t.test('mistakes are told with their lines, and nothing begins', async (t) => {
  const dir = t.testdir({
    'c.yaml': `requests:
  - rules:
      - { when: { PatientID: x }, project: A, participant: '{PatientID.1}' }
      - { when: { PatientID: x }, project: A, participant: autoId, pattern: '[a-z]+' }
projects:
  A: { requests: { naming: '(' } }
`,
    't.yaml': 'requests: [ { table: t.csv } ]\n',
    't.csv': 'PatientID,project,participant\nP1,A\n',
  })
  const first = await run('fiona-request', ['--config', join(dir, 'c.yaml')])
  t.equal(first.code, 78)
  t.match(first.stderr, /c\.yaml:3: requests\.0\.rules\.0\.participant has \{PatientID\.1\}/)
  t.match(first.stderr, /c\.yaml:4: .*makes no names/)
  t.match(first.stderr, /c\.yaml:6: projects\.A\.requests\.naming/)
  const second = await run('fiona-request', ['--config', join(dir, 't.yaml')])
  t.match(second, { code: 78, stderr: /t\.csv:2: the participant is missing/ })
})

t.test('it waits, is listed, and is requested by hand while the input is open', async (t) => {
  const dir = t.testdir({ 't.csv': 'AccessionNumber,ProjectName,subjectid,eventname\n' })
  const config = site(dir, { requests: [{ table: 't.csv' }], projects: { A: {} } })
  const child = start('fiona-request', ['--config', config])
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('no pipes')
  const lines = createInterface({ input: stdout })
  const next = async () =>
    JSON.parse(String(((await once(lines, 'line')) as [string])[0])) as AnyRecord
  stdin.write(linesOf([study(1), study(2), mark(1)]))
  t.match(await next(), mark(1))
  const list = await run('fiona', ['request', 'waiting', '--config', config])
  t.match(recordsIn(list.stdout), [
    {
      StudyInstanceUID: '1.2.1',
      state: 'waiting',
      PatientID: 'P1',
      why: 'no row of t.csv is of it',
      how: /fiona-request .* 1\.2\.1 --project P/,
    },
    { StudyInstanceUID: '1.2.2' },
  ])
  const made = next()
  const decided = await run('fiona', [
    'request',
    '1.2.1',
    '--config',
    config,
    '--project',
    'A',
    '--participant',
    'S1',
  ])
  t.match(decided, { code: 0, stdout: /1\.2\.1 goes to A as S1/ })
  t.match(await made, { type: 'request', StudyInstanceUID: '1.2.1', participant: 'S1' })
  const byTable = next()
  writeFileSync(
    join(dir, 'new'),
    'AccessionNumber,ProjectName,subjectid,eventname\r\nA2,A,S2,base\r\n',
  )
  renameSync(join(dir, 'new'), join(dir, 't.csv'))
  t.match(await byTable, {
    type: 'request',
    StudyInstanceUID: '1.2.2',
    participant: 'S2',
    event: 'base',
  })
  stdin.end()
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 0)
  const refused = await run('fiona-request', [
    '1.2.2',
    '--config',
    config,
    '--project',
    'A',
    '--participant',
    'S1',
  ])
  t.match(refused, { code: 65, stderr: /another patient/ })
  for (const uid of ['1.2.2', '123']) {
    const half = [uid, '--participant', 'S1', '--config', config]
    t.equal((await run('fiona-request', half)).code, 64, 'a UID says no project')
  }
})

t.test('two processes at once give each patient one name, and no name to two', async (t) => {
  const dir = t.testdir({})
  const config = site(dir, {
    requests: [{ rules: [{ when: { PatientID: 'P' }, project: 'A', participant: 'autoId' }] }],
    projects: { A: { requests: { autoId: 'A[0-9]{2}' } } },
  })
  const input = (from: number) =>
    linesOf(
      Array.from({ length: 60 }, (_, at) =>
        study(`${String(from)}.${String(at)}`, { PatientID: `P${String(at % 30)}` }),
      ),
    )
  const both = await Promise.all(
    [1, 2].map((from) =>
      run('fiona-request', ['--config', config, '--log-level', 'error'], { input: input(from) }),
    ),
  )
  const requests = both.flatMap(({ stdout }) => recordsIn(stdout))
  t.equal(requests.length, 120)
  const names = new Map<number, Set<unknown>>()
  for (const { StudyInstanceUID, participant } of requests) {
    const patient = Number(String(StudyInstanceUID).split('.').at(-1)) % 30
    names.set(patient, (names.get(patient) ?? new Set()).add(participant))
  }
  t.ok([...names.values()].every((all) => all.size === 1))
  t.equal(new Set([...names.values()].flatMap((all) => [...all])).size, 30)
})

t.test('a study alone: where it goes, who said so, or what it waits for', async (t) => {
  const dir = t.testdir({ 'c.csv': 'PatientID,project,participant\nP2,A,S2\nP2,B,nobody\n' })
  const config = site(dir, {
    requests: [{ table: join(dir, 'c.csv') }],
    projects: { A: {}, B: { requests: { naming: '^B' } } },
  })
  const request = (...words: string[]) => run('fiona-request', [...words, '--config', config])
  const studies = linesOf([study(1), study(2)])
  t.equal((await run('fiona-request', ['--config', config], { input: studies })).code, 0)
  const known = async (what: string) => {
    const { code, stdout } = await request(what)
    t.equal(code, 0)
    return recordsIn(stdout)
  }
  t.match(await known('1.2.1'), [
    { state: 'waiting', why: /no row of c\.csv is of it/, lies: 'default', requests: [], held: [] },
  ])
  const [second, ...more] = await known('1.2.2')
  t.strictSame(more, [])
  t.match(second, {
    state: 'held',
    why: '',
    requests: [{ project: 'A', participant: 'S2', requestedBy: 'c.csv, line 2' }],
    held: [{ project: 'B', why: /nobody/, how: /fiona-request --config .* --participant ID/ }],
  })
  const [{ requestId = '' } = {}] = second?.['held'] as { requestId?: string }[]
  t.strictSame(await known(requestId), [second], 'or by the number of what is held')

  t.equal((await request('1.2.1', '--project', 'A', '--participant', 'S1')).code, 0)
  t.equal((await run('fiona-request', ['--config', config], { input: '' })).code, 0)
  t.match(await known('1.2.1'), [
    { state: 'decided', requests: [{ project: 'A', participant: 'S1', requestedBy: /by hand/ }] },
  ])
  const unknown = await request('1.2.3')
  t.match(unknown, { code: 65, stdout: '', stderr: /no study 1\.2\.3 has come here yet/ })
  t.match(await request('nonsense'), { code: 65, stdout: '' })
  t.match(await request('1.2.1', '--project', 'A'), {
    code: 64,
    stderr: /needs --project and --participant/,
  })
})

t.test('killed at any point, nothing is lost and nothing gets a second id', async (t) => {
  for (const point of ['request.decided', 'request.matched', 'request.arrived']) {
    const dir = t.testdir({})
    const rules = [
      { when: { PatientID: '^P1$' }, project: 'A', participant: 'autoId' },
      { when: { PatientID: '^P2$' }, project: 'A', participant: 'autoId' },
    ]
    const settings = (count: number) =>
      site(dir, {
        requests: [{ rules: rules.slice(0, count) }],
        projects: { A: { requests: { autoId: 'A[0-9]{4}' } } },
      })
    const env = { FIONA_STAGE: 'request', FIONA_FAULT_DIRECTORY: dir }
    const go = async (config: string, input: string, fault?: string) => {
      const child = start('fiona-request', ['--config', config, '--log-level', 'error'], {
        env: { ...env, ...(fault === undefined ? {} : { FIONA_FAULT_POINT: fault }) },
      })
      let out = ''
      child.stdin?.on('error', () => undefined)
      child.stdin?.write(input)
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString()
        // The last mark is out: all that there was to do is done.
        if (out.includes('"seq":3')) child.stdin?.end()
      })
      await once(child, 'close')
      return recordsIn(out).filter(({ type }) => type === 'request')
    }
    // One that waits, of before.
    await go(settings(1), linesOf([study(2), mark(3)]))
    const input = linesOf([study(1), mark(1), study(1, { revision: 2 }), mark(2, 1), mark(3, 2)])
    const all = [
      ...(await go(settings(2), input, point)),
      ...(await go(settings(2), input)),
      ...(await go(settings(2), input)),
    ]
    if (point !== 'request.arrived') t.ok(existsSync(join(dir, point)), `it died at ${point}`)
    for (const uid of ['1.2.1', '1.2.2']) {
      const own = all.filter(({ StudyInstanceUID }) => StudyInstanceUID === uid)
      t.ok(own.length > 0, `${uid} after ${point}`)
      t.equal(new Set(own.map(({ requestId }) => requestId)).size, 1)
      t.equal(new Set(own.map(({ participant }) => participant)).size, 1)
    }
  }
})
