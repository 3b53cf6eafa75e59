import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { tokens } from './served.ts'
import { deidentified, request, serveSite, startSource, study, transfer } from './sourced.ts'

/** As a person at this machine would write that time. */
const minute = (iso: string): RegExp => {
  const at = new Date(iso)
  return new RegExp(`^\\d{4}-\\d\\d-\\d\\d ${String(at.getHours()).padStart(2, '0')}:\\d\\d$`)
}

t.test(
  'what a person asks for is a decision, and what became of it is written there',
  async (t) => {
    const site = await serveSite(t)
    const { source, until, changes } = await startSource(t, site)
    const one = study('1.2.3')
    t.match(source.whyNot(), /could not be read yet/)
    await until(() => source.whyNot() === undefined)
    source.studySeen(one)
    await until(() => site.incoming.row('1.2.3')['study_date'] !== undefined)
    t.strictSame(source.decide(one), [])
    site.incoming.put(
      '1.2.3',
      {
        transfer_project_name: 'ABCD',
        transfer_name: 'ABCD_001',
        transfer_event_name: 'baseline',
        transfer_requested_date: '2025-12-31 23:59',
      },
      'transfers',
      4,
    )
    await until(
      () => changes.some((which) => which?.StudyInstanceUID?.has('1.2.3') === true),
      'reading',
    )
    t.strictSame(source.decide(one), [
      {
        project: 'ABCD',
        participant: 'ABCD_001',
        event: 'baseline',
        requestedBy: 'REDCap, Incoming, transfer 4',
      },
    ])
    source.requestMade(request('1.2.3'))
    source.result(deidentified('1.2.3', { pixels: { masked: 2, regions: 2, searched: 3 } }))
    source.result(transfer('1.2.3', { status: 'refused', instances: { sent: 0, failed: 3 } }))
    await until(
      () => site.incoming.instances('1.2.3', 'transfers')[0]?.['transfers_complete'] === '1',
    )
    t.match(site.incoming.instances('1.2.3', 'transfers'), [
      {
        instance: '4',
        transfer_requested_date: '2025-12-31 23:59',
        transfer_date: minute('2026-01-02T12:03:00.000Z'),
        transfer_mapped_uid: '2.25.123',
        transfer_error___1: '0',
        transfer_error___2: '1',
        transfer_error___3: '1',
        transfer_error_message: /"deliver".*3 objects are missing/,
        transfer_active_proc_time: '120',
      },
    ])
    source.result(transfer('1.2.3', { time: '2026-01-02T13:00:00.000Z' }))
    await until(
      () => site.incoming.instances('1.2.3', 'transfers')[0]?.['transfers_complete'] === '2',
    )
    t.match(site.incoming.instances('1.2.3', 'transfers'), [
      { transfer_error___2: '0', transfer_error_message: '', transfer_mapped_uid: '2.25.123' },
    ])
    t.equal(site.incoming.instances('1.2.3', 'transfers').length, 1)
  },
)

t.test('what was decided elsewhere is entered once, and is nobody’s wish', async (t) => {
  const site = await serveSite(t)
  const running = await startSource(t, site)
  const { source, until } = running
  source.studySeen(study('1.2.3'))
  source.requestMade(request('1.2.3'))
  await until(() => site.incoming.instances('1.2.3', 'transfers').length === 1)
  t.match(site.incoming.instances('1.2.3', 'transfers'), [
    {
      instance: '1',
      transfer_project_name: 'ABCD',
      transfer_name: 'ABCD_001',
      transfers_complete: '0',
    },
  ])
  // After a restart, and when all was read anew, as well.
  const calls = site.server.count('record', 'export')
  await until(() => site.server.count('record', 'export') > calls + 8, 'reading')
  t.strictSame(source.decide(study('1.2.3')), [])
  await running.stop()
  const again = await startSource(t, site)
  const before = site.server.count('record', 'export')
  await again.until(() => site.server.count('record', 'export') > before + 8, 'reading')
  t.strictSame(again.source.decide(study('1.2.3')), [])
  // Until a person makes it one.
  site.incoming.put('1.2.3', { transfer_name: 'ABCD_002' }, 'transfers', 1)
  await again.until(() => again.source.decide(study('1.2.3')).length === 1, 'reading')
  t.match(again.source.decide(study('1.2.3')), [{ participant: 'ABCD_002' }])
})

t.test('a project’s own REDCap gets its participant and what was delivered', async (t) => {
  const site = await serveSite(t)
  const { source, until } = await startSource(t, site)
  for (const [at, uid] of ['1.2.3', '1.2.4'].entries()) {
    source.studySeen(study(uid))
    source.requestMade(
      request(uid, { project: 'OWN', participant: 'O1', event: at === 0 ? 'Month6' : 'odd' }),
    )
    source.result(deidentified(uid, { project: 'OWN' }))
    source.result(transfer(uid))
    source.result(transfer(uid, { time: '2026-01-02T14:00:00.000Z' }))
    await until(() => site.own.instances('O1', 'imaging').length === at + 1)
  }
  t.match(site.own.row('O1', 'month6_arm_1'), { first_name: 'O1', last_name: 'O1' })
  t.match(site.own.instances('O1', 'imaging'), [
    { instance: '1', img_study_instance_uid: '2.25.123', img_event_name: 'Month6' },
    { instance: '2', img_study_instance_uid: '2.25.124', img_event_name: 'odd' },
  ])
  t.notMatch(
    JSON.stringify(site.own.lines.map((line) => [...line.values])),
    /ACC1|20260102|1\.2\.3/,
  )
})

t.test(
  'projects, routing and couplings decide, and are known after a restart without REDCap',
  async (t) => {
    const site = await serveSite(t)
    site.projects.put('ABCD', {
      project_patient_naming: 'ABCD_[0-9]{3}',
      project_active: '1',
      project_rec_end_date: '2030-12-31',
    })
    site.projects.put('OLD', { project_active: '0' })
    site.routing.put('1', {
      routing_active: '1',
      routing_dest_project: '1',
      routing_incoming_aetitle: 'FIONA',
      routing_allowed_patientid: 'ABCD_',
    })
    site.couplings.put('c1', {
      cl_accessionnumber: 'ACC1',
      cl_projectname: 'ABCD',
      cl_subjectid: 'ABCD_007',
      cl_eventname: 'm12',
      cl_date: new Date().toISOString().slice(0, 10),
    })
    const running = await startSource(t, site)
    await running.until(() => running.source.whyNot() === undefined, 'reading')
    const routed = study('1.2.5', { values: { PatientID: 'ABCD_042', AccessionNumber: 'other' } })
    const check = (source: typeof running.source) => {
      t.match(source.projectFacts('ABCD'), {
        naming: 'ABCD_[0-9]{3}',
        active: true,
        until: '2030-12-31',
      })
      t.match(source.projectFacts('OLD'), { active: false })
      t.equal(source.projectFacts('__proto__'), undefined)
      t.match(source.decide(routed), [{ project: 'EXAMPLE', participant: 'ABCD_042' }])
      t.match(source.decide(study('1.2.3')), [
        {
          project: 'ABCD',
          participant: 'ABCD_007',
          event: 'm12',
          requestedBy: /CouplingList, record c1/,
        },
      ])
    }
    check(running.source)
    await running.stop()
    site.server.always = 'reset'
    const again = await startSource(t, site)
    check(again.source)
  },
)

t.test('no token and no patient in any file, log or message', async (t) => {
  const site = await serveSite(t)
  const running = await startSource(t, site)
  const { source, until } = running
  site.server.meet(
    { status: 500, body: `${tokens.incoming} Doe^Jane` },
    { status: 403, body: `{"error":"${tokens.routing}"}` },
  )
  source.studySeen(study('1.2.3'))
  source.requestMade(request('1.2.3'))
  await until(() => site.incoming.instances('1.2.3', 'transfers').length === 1)
  await running.stop()
  const written = execFileSync('grep', ['-rhia', '', `${site.directory}/state`]).toString()
  const said = [
    written,
    ...running.log,
    ...running.troubles.map((error) => `${error?.message ?? ''} ${error?.stack ?? ''}`),
  ]
  const everything = said.join('\n').toUpperCase()
  for (const token of Object.values(tokens)) t.notOk(everything.includes(token))
  t.notMatch(everything, /DOE\^JANE|01017012345/)
  t.equal(
    execFileSync('find', [
      `${site.directory}/state`,
      '-type',
      'f',
      '-perm',
      '/077',
      '!',
      '-name',
      'state.json',
    ]).toString(),
    '',
  )
  const rows = JSON.stringify(site.incoming.lines.map((line) => [...line.values]))
  t.notMatch(rows, /Doe\^Jane|01017012345/)
})

t.test('a damaged cache is made anew', async (t) => {
  const site = await serveSite(t)
  const running = await startSource(t, site)
  await running.until(() => running.source.whyNot() === undefined, 'reading')
  await running.stop()
  for (const name of ['transfers', 'projects', 'routing-dictionary']) {
    writeFileSync(`${site.directory}/state/tables/${name}.json`, '[{"__proto__":')
  }
  const again = await startSource(t, site)
  await again.until(() => again.source.whyNot() === undefined, 'reading')
  t.pass('read again')
})
