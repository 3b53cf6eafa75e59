import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../fixtures/peers.ts'
import { saveState } from '../../src/lib/redcap/source-state.ts'
import { sourceDirectory } from '../../src/lib/redcap/show.ts'
import { serveSite } from '../redcap/sourced.ts'
import { tokens } from '../redcap/served.ts'
import { makeDirectories } from '../../src/lib/storage/index.ts'

t.test('a site looks at its REDCap, and can give away what it said', async (t) => {
  const site = await serveSite(t)
  const config = join(site.directory, 'fiona.json')
  const dataDir = join(site.directory, 'var')
  writeFileSync(config, JSON.stringify({ dataDir, requests: [{ redcap: site.config }] }))
  const said: string[] = []
  const redcap = async (...args: string[]) => {
    const finished = await run('fiona-redcap', [
      '--config',
      config,
      '--log-level',
      'trace',
      ...args,
    ])
    said.push(finished.stdout, finished.stderr)
    return finished
  }
  const recording = join(site.directory, 'recording')

  const well = await redcap('check', '--record', recording)
  t.equal(well.code, 0, well.stderr)
  t.match(well.stdout, /^ok: Incoming: \d+ fields\nok: DataTransferProjects/)
  t.equal(statSync(recording).mode & 0o777, 0o600)

  const person = { transfer_project_name: 'ABCD', transfer_name: 'ABCD_001' }
  site.incoming.put('1.2.826.0.1.7', person, 'transfers', 1)
  const read = await redcap('read', '--record', join(site.directory, 'read'))
  t.match(JSON.parse(read.stdout), { table: 'transfers', study: '1.2.826.0.1.7', project: 'ABCD' })
  t.notMatch(readFileSync(join(site.directory, 'read'), 'utf8'), /1\.2\.826|ABCD/)

  site.server.always = 'hang'
  const calls = site.server.calls.length
  const again = await redcap('read', '--replay', join(site.directory, 'read'))
  t.match(JSON.parse(again.stdout), { table: 'transfers', study: /^2\.25\.\d+$/, instance: 1 })
  t.equal((await redcap('check', '--replay', recording)).stdout, well.stdout)
  t.equal(site.server.calls.length, calls, 'nothing went out')
  site.server.always = undefined

  site.projects.put('ABCD', { project_active: '1', project_features___0: '1' })
  const coupling = { cl_projectname: 'ABCD', cl_subjectid: 'ABCD_001' }
  site.couplings.put('1', { cl_studyinstanceuid: '2.25.4', ...coupling })
  const rows = (await redcap('read')).stdout.trim().split('\n')
  t.match(
    rows.map((line) => JSON.parse(line) as { table: string }).filter((one) => 'table' in one),
    [
      { table: 'transfers' },
      { table: 'projects', name: 'ABCD', exclude: [{ modality: 'PR' }] },
      { table: 'couplings', study: '2.25.4' },
    ],
    'what only some projects have is shown, too',
  )
  t.match(await redcap('upload'), { code: 64, stderr: /upload takes one FILE/ })
  t.match(await redcap('status', 'x'), { code: 64, stderr: /status takes nothing more/ })

  site.incoming.rights.export = false
  const refused = await redcap('read')
  t.equal(refused.code, 77)
  t.match(refused.stderr, /^error: REDCap does not let the token of Incoming do that/m)
  t.match(refused.stderr, /^hint: .*User Rights/m)

  site.projects.removeField('project_active')
  const lacking = await redcap('check', '--json')
  t.equal(lacking.code, 65)
  t.match(lacking.stdout, /"DataTransferProjects".*the field project_active/)

  t.match((await redcap('status')).stdout, /has not spoken/)
  await makeDirectories(sourceDirectory(dataDir))
  await saveState(sourceDirectory(dataDir), {
    v: 1,
    time: '2026-01-02T03:04:05.678Z',
    waiting: 3,
    waitingSince: '2026-01-01T00:00:00.000Z',
    written: 7,
    lastReadAt: null,
    lastWrittenAt: null,
    refused: 1,
    trouble: { code: 'E_REDCAP_DOWN', message: 'it is down', hint: 'wait' },
  })
  t.match(
    (await redcap('status')).stdout,
    /waiting: 3 studies, the longest since 2026-01-01.*\nrefused: 1/,
  )

  const all =
    said.join('\n') +
    readFileSync(recording, 'utf8') +
    readFileSync(join(site.directory, 'read'), 'utf8')
  for (const token of Object.values(tokens)) t.notOk(all.toUpperCase().includes(token))
})

t.test('dictionaries are asked for by name, and others are told which there are', async (t) => {
  t.match(await run('fiona-redcap', ['dictionary', 'Incoming']), {
    code: 0,
    stdout: /study_instance_uid/,
  })
  for (const name of ['nothing', 'constructor', '__proto__']) {
    const refused = await run('fiona-redcap', ['dictionary', name])
    t.match(
      refused,
      { code: 64, stderr: /there is no dictionary .*\nhint: there are Incoming/ },
      name,
    )
  }
})
