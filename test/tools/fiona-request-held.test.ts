import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { once } from 'node:events'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { run, start } from '../fixtures/peers.ts'
import { study } from '../request/requests.ts'

function site(dir: string): string {
  const config = join(dir, 'fiona.json')
  const table = 'PatientID,project,participant\nSECRET1,A,SECRET1\nSECRET1,A,S2\n'
  writeFileSync(join(dir, 't.csv'), table)
  const projects = { A: { destinations: [] } }
  writeFileSync(
    config,
    JSON.stringify({ dataDir: 'var', requests: [{ table: 't.csv' }], projects }),
  )
  return config
}

const input = ['1', '2']
  .map((at) => `${JSON.stringify(study(at, { PatientID: `SECRET${at}` }))}\n`)
  .join('')
const recordsIn = (stdout: string) =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnyRecord)

t.test('what is held has one number everywhere, by which it is decided', async (t) => {
  const dir = t.testdir({})
  const config = site(dir)
  const child = start('fiona-request', ['--config', config], { env: { FIONA_STAGE: 'request' } })
  let out = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  // Of what came so far whole lines.
  const said = (type: string) =>
    recordsIn(out.slice(0, out.lastIndexOf('\n') + 1)).find((one) => one.type === type)
  child.stdin?.write(`${input}{"type":"mark","seq":1,"committed":0}\n`)
  const path = join(dir, 'var/state/fiona-request/status.json')
  while (!existsSync(path) || !readFileSync(path, 'utf8').includes('waiting')) await delay(20)
  while (said('mark') === undefined) await delay(20)
  const requestId = String(said('held')?.['requestId'])
  t.match(said('held')?.['how'], new RegExp(` ${requestId} --part`))
  const status = await run('fiona-ctl', ['status', '--json', '--config', config])
  t.match(JSON.parse(status.stdout), {
    held: [
      { by: 'fiona-request', state: 'held', studies: 1, how: 'fiona request waiting' },
      { by: 'fiona-request', state: 'waiting', studies: 1 },
    ],
  })
  const list = await run('fiona', ['request', 'waiting', '--config', config])
  t.match(recordsIn(list.stdout), [
    {
      StudyInstanceUID: '1.2.1',
      requestId,
      how: new RegExp(` ${requestId} --participant ID # or`),
    },
    { StudyInstanceUID: '1.2.2', how: / 1\.2\.2 --project P --participant ID/ },
  ])
  const decided = await run('fiona', [
    ...['request', requestId, '--config', config],
    ...['--participant', 'S2'],
  ])
  t.match(decided, { code: 0, stdout: /1\.2\.1 goes to A as S2/ }, decided.stderr)
  while (said('request') === undefined) await delay(20)
  t.match(said('request'), { requestId, participant: 'S2' })
  while (readFileSync(path, 'utf8').includes('"held","')) await delay(20)
  child.stdin?.end()
  await once(child, 'close')
})

t.test('behind fiona-anon it is a number and a reason', async (t) => {
  const dir = t.testdir({})
  const held = await run('fiona-request', ['--config', site(dir)], { input })
  t.match(held.stdout, /"held".*1\.2\.1/)
  writeFileSync(join(dir, 'key'), 'k'.repeat(32), { mode: 0o600 })
  const options = ['--key-file', join(dir, 'key'), '--out', join(dir, 'out')]
  const { stdout, stderr } = await run('fiona-anon', options, {
    input: held.stdout,
    env: { FIONA_CONFIG: '' },
  })
  const [record, ...more] = recordsIn(stdout)
  t.strictSame(more, [])
  t.match(record, { type: 'held', project: 'A', reasons: [{ code: 'sources-disagree' }] }, stderr)
  t.notMatch(stdout, /1\.2\.1|SECRET/)
})
