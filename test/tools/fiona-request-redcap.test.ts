import { once } from 'node:events'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { run, start } from '../fixtures/peers.ts'
import { serveSite, study, type Site } from '../redcap/sourced.ts'
import { tokens } from '../redcap/served.ts'

function configOf(site: Site, ...before: readonly object[]): string {
  const path = join(site.directory, 'fiona.json')
  const dataDir = join(site.directory, 'var')
  const projects = { ABCD: { destinations: [] } }
  const requests = [...before, { redcap: site.config }]
  writeFileSync(path, JSON.stringify({ dataDir, projects, requests }))
  return path
}

function lineOf(uid: string): string {
  const attributes = { PatientID: '01017012345', PatientName: 'Doe^Jane', StudyDate: '20260102' }
  const sources = { callingAET: ['SCANNER1'], calledAET: ['FIONA'] }
  return `${JSON.stringify({ ...study(uid).record, attributes, sources })}\n`
}

t.test('a study that REDCap asks for is requested, and both stand there', async (t) => {
  const site = await serveSite(t)
  site.projects.put('ABCD', { project_active: '1', project_patient_naming: 'ABCD_[0-9]+' })
  const asked = { transfer_project_name: 'ABCD', transfer_name: 'ABCD_001' }
  site.incoming.put('1.2.3', asked, 'transfers', 1)
  site.incoming.put('1.2.4', { ...asked, transfer_name: 'wrong' }, 'transfers', 1)
  const args = ['--config', configOf(site), '--log-level', 'trace']
  const input = lineOf('1.2.3') + lineOf('1.2.4') + lineOf('1.2.5')
  const { stdout, stderr } = await run('fiona-request', args, { input })
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(
    records.filter(({ type }) => type === 'request'),
    [
      {
        StudyInstanceUID: '1.2.3',
        project: 'ABCD',
        participant: 'ABCD_001',
        requestedBy: 'REDCap, Incoming, transfer 1',
      },
    ],
    stderr,
  )
  t.match(
    records.filter(({ type }) => type === 'held'),
    [{ reasons: [{ code: 'participant-naming' }] }],
  )
  for (const uid of ['1.2.3', '1.2.4', '1.2.5']) {
    t.match(site.incoming.row(uid), {
      study_date: '20260102',
      study_aetitle_sender: 'SCANNER1',
      study_patient_id: /^[0-9a-f]{32}$/,
    })
  }
  t.match(site.incoming.instances('1.2.3', 'transfers'), [{ transfers_complete: '0' }])
  t.match(site.incoming.instances('1.2.4', 'transfers'), [
    { transfers_complete: '1', transfer_error_message: /participant-naming/ },
  ])
  const said = `${stdout}${stderr}`.toUpperCase()
  for (const token of Object.values(tokens)) t.notOk(said.includes(token))
  t.notMatch(stderr, /Doe|01017012345/)
})

t.test(
  'without REDCap the stream goes on, and what was to be written is written by the next',
  async (t) => {
    const site = await serveSite(t)
    site.server.always = 'html'
    const rule = { when: { calledAET: 'FIONA' }, project: 'ABCD', participant: 'ABCD_009' }
    const config = configOf(site, { rules: [rule] })
    const first = await run('fiona-request', ['--config', config], { input: lineOf('1.2.3') })
    t.match(first.stdout, /"request".*ABCD_009/, first.stderr)
    t.equal(site.incoming.lines.length, 0)
    const status = await run('fiona-redcap', ['status', '--config', config])
    t.match(status.stdout, /waiting: 1 study, the longest since[^]*E_REDCAP_DOWN/, status.stderr)
    site.server.always = undefined
    const second = await run('fiona-request', ['--config', config], { input: '' })
    t.match(
      site.incoming.instances('1.2.3', 'transfers'),
      [{ transfer_name: 'ABCD_009' }],
      second.stderr,
    )
  },
)

t.test('who decides by hand goes by what was read last, and needs no token', async (t) => {
  const site = await serveSite(t)
  site.projects.put('ABCD', { project_active: '1', project_patient_naming: 'ABCD_[0-9]+' })
  const config = configOf(site)
  const first = await run('fiona-request', ['--config', config], { input: lineOf('1.2.3') })
  t.equal(first.code, 0, first.stderr)
  for (const name of readdirSync(site.directory).filter((each) => each.endsWith('.token'))) {
    rmSync(join(site.directory, name))
  }
  const calls = site.server.calls.length
  const waiting = await run('fiona-request', ['waiting', '--config', config])
  t.match(waiting, { code: 0, stdout: /1\.2\.3/ }, waiting.stderr)
  const decide = (participant: string) =>
    run('fiona-request', [
      ...['1.2.3', '--config', config],
      ...['--project', 'ABCD', '--participant', participant],
    ])
  t.match(await decide('wrong'), { code: 65, stderr: /pattern of the project/ })
  t.match(await decide('ABCD_7'), { code: 0 })
  t.equal(site.server.calls.length, calls, 'nothing was asked')
})

t.test('killed between a request and its note, REDCap hears of it from the next', async (t) => {
  const site = await serveSite(t)
  const rule = { when: { calledAET: 'FIONA' }, project: 'ABCD', participant: 'ABCD_009' }
  const env = { FIONA_STAGE: 'request', FIONA_FAULT_DIRECTORY: site.directory }
  const mark = '{"type":"mark","seq":1,"committed":0}\n'
  const go = (config: string, more: Record<string, string> = {}) =>
    start('fiona-request', ['--config', config, '--log-level', 'error'], {
      env: { ...env, ...more },
    })
  const waits = go(configOf(site))
  let out = ''
  waits.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  waits.stdin?.write(lineOf('1.2.3') + mark)
  while (!out.includes('"mark"')) await delay(20)
  waits.stdin?.end()
  await once(waits, 'close')
  const config = configOf(site, { rules: [rule] })
  const killed = go(config, { FIONA_FAULT_POINT: 'request.matched' })
  killed.stdin?.on('error', () => undefined)
  await once(killed, 'close')
  t.equal(killed.signalCode, 'SIGKILL')
  t.strictSame(site.incoming.instances('1.2.3', 'transfers'), [])
  const next = go(config)
  while (site.incoming.instances('1.2.3', 'transfers').length === 0) await delay(20)
  next.stdin?.end()
  await once(next, 'close')
  t.match(site.incoming.instances('1.2.3', 'transfers'), [{ transfer_name: 'ABCD_009' }])
})
