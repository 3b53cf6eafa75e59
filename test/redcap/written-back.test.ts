import { createHash } from 'node:crypto'
import t from 'tap'
import { bareHash } from '../../src/lib/redcap/patient-hashes.ts'
import { loadState } from '../../src/lib/redcap/source-state.ts'
import { deidentified, request, serveSite, startSource, study, transfer } from './sourced.ts'

/** As a person at this machine would write that time. */
const minute = (iso: string): RegExp => {
  const at = new Date(iso)
  return new RegExp(`^\\d{4}-\\d\\d-\\d\\d ${String(at.getHours()).padStart(2, '0')}:\\d\\d$`)
}

t.test('a study is in Incoming with its series, and a revision adds what is new', async (t) => {
  const site = await serveSite(t)
  const { source, until } = await startSource(t, site)
  source.studySeen(study('1.2.3'))
  await source.sync()
  await until(() => site.incoming.instances('1.2.3', 'series').length === 1)
  t.match(site.incoming.row('1.2.3'), {
    study_aetitle_sender: 'SCANNER1',
    study_aetitle_addressed: 'FIONA',
    study_description: 'MR Head',
    study_accession_number: 'ACC1',
    study_arrival_date: minute('2026-01-02T12:00:00.000Z'),
    study_patient_id: /^[0-9a-f]{64}$/,
    incoming_studies_complete: '2',
  })
  t.not(site.incoming.row('1.2.3')['study_patient_id'], bareHash('01017012345'), 'keyed')
  source.studySeen(
    study('1.2.3', {
      revision: 2,
      series: [
        {
          SeriesInstanceUID: '1.2.3.1',
          instances: 5,
          SeriesDescription: 'T1',
          ClassifyType: ['T1'],
        },
        { SeriesInstanceUID: '1.2.3.2', instances: 7, SeriesDescription: 'T2' },
      ],
    }),
  )
  await source.sync()
  await until(() => site.incoming.instances('1.2.3', 'series').length === 2)
  t.match(site.incoming.instances('1.2.3', 'series'), [
    {
      instance: '1',
      series_instance_uid: '1.2.3.1',
      series_num_files: '5',
      series_classify_types: '["T1"]',
    },
    {
      instance: '2',
      series_instance_uid: '1.2.3.2',
      series_num_files: '7',
      series_description: 'T2',
    },
  ])
})

t.test('an existing project may keep the hashes it has', async (t) => {
  const site = await serveSite(t)
  const { source, until } = await startSource(t, site, { hash: bareHash })
  source.studySeen(study('1.2.3'))
  await until(() => site.incoming.row('1.2.3')['study_patient_id'] !== undefined)
  t.match(site.incoming.row('1.2.3'), {
    study_patient_id: createHash('sha256').update('01017012345').digest('hex'),
    study_patient_name: createHash('sha256').update('Doe^Jane').digest('hex'),
  })
})

t.test('an instance that another takes at the same moment stays theirs', async (t) => {
  const site = await serveSite(t)
  const { source, until } = await startSource(t, site)
  source.studySeen(study('1.2.3'))
  await until(() => site.incoming.instances('1.2.3', 'series').length === 1)
  let isLate = false
  const { importInto } = {
    // Directly behind our write, before it is looked at again.
    importInto: () =>
      site.incoming.put(
        '1.2.3',
        { transfer_project_name: 'OTHER', transfer_name: 'O_1', transfer_event_name: '' },
        'transfers',
        1,
      ),
  }
  site.incoming.beforeImport = (data) => {
    if (isLate || !data.some((row) => row['redcap_repeat_instrument'] === 'transfers')) return
    isLate = true
    setImmediate(importInto)
  }
  source.requestMade(request('1.2.3'))
  await until(() => site.incoming.instances('1.2.3', 'transfers').length === 2)
  t.match(site.incoming.instances('1.2.3', 'transfers'), [
    { instance: '1', transfer_project_name: 'OTHER', transfer_name: 'O_1' },
    { instance: '2', transfer_project_name: 'ABCD', transfer_name: 'ABCD_001' },
  ])
})

t.test('what a person has removed is not made again', async (t) => {
  const site = await serveSite(t)
  const { source, until } = await startSource(t, site)
  source.studySeen(study('1.2.3'))
  source.requestMade(request('1.2.3'))
  await until(() => site.incoming.instances('1.2.3', 'transfers').length === 1)
  await until(() => source.waiting === 0)
  site.incoming.remove('1.2.3', 'transfers', 1)
  source.studySeen(study('1.2.3', { revision: 2, values: { StudyDescription: 'changed' } }))
  source.result(deidentified('1.2.3'))
  await until(() => site.incoming.row('1.2.3')['study_description'] === 'changed')
  await until(() => source.waiting === 0)
  t.strictSame(site.incoming.instances('1.2.3', 'transfers'), [])
})

t.test('a day without REDCap: nothing is lost, and nothing waits for it', async (t) => {
  const site = await serveSite(t)
  site.server.always = 'html'
  const running = await startSource(t, site)
  const names = Array.from({ length: 30 }, (_, at) => `1.2.3.${String(at)}`)
  for (const name of names) {
    running.source.studySeen(study(name))
    running.source.requestMade(request(name, { participant: `P${name}` }))
    running.source.result(deidentified(name))
  }
  await running.source.sync()
  await running.until(() => running.troubles.some((error) => error?.code === 'E_REDCAP_DOWN'))
  await running.until(() => site.server.calls.length > 20, 'reading')
  await running.stop()
  t.equal(site.incoming.lines.length, 0)
  t.match(await loadState(`${site.directory}/state`), {
    waiting: 30,
    trouble: { code: 'E_REDCAP_DOWN', message: /HTML/ },
  })
  site.server.always = undefined
  const again = await startSource(t, site)
  for (const name of names) again.source.result(transfer(name))
  await again.source.sync()
  await again.until(() => again.source.waiting === 0)
  for (const name of names) {
    t.match(site.incoming.instances(name, 'transfers'), [
      { transfer_name: `P${name}`, transfer_mapped_uid: /^2\.25\./, transfers_complete: '2' },
    ])
  }
  await again.until(() => again.troubles.at(-1) === undefined, 'reading')
})

t.test('a study that REDCap refuses holds up no other', async (t) => {
  const site = await serveSite(t)
  const { source, until, log } = await startSource(t, site)
  source.studySeen(study('1.2.3', { series: [{ SeriesInstanceUID: '1.2.3.1', instances: 1.5 }] }))
  source.studySeen(study('1.2.4'))
  source.studySeen(study('1.2.5'))
  await until(
    () =>
      site.incoming.instances('1.2.5', 'series').length === 1 &&
      site.incoming.instances('1.2.4', 'series').length === 1,
  )
  await until(() => /E_REDCAP_REFUSED.*series_num_files/.test(log.join('\n')))
  t.notMatch(log.join('\n'), /1\.2\.3/)
  source.studySeen(study('1.2.3', { revision: 2 }))
  await until(() => site.incoming.instances('1.2.3', 'series').length === 1)
})

t.test('a project that lacks a field is not asked for each of its studies', async (t) => {
  const site = await serveSite(t)
  site.incoming.removeField('series_sequence_name')
  const running = await startSource(t, site)
  for (let at = 0; at < 40; at++) running.source.studySeen(study(`1.2.3.${String(at)}`))
  await running.until(() => running.troubles.some((error) => error?.code === 'E_REDCAP_REFUSED'))
  t.match(running.troubles.at(-1), { message: /series_sequence_name/, hint: /fiona-redcap check/ })
  await running.stop()
  t.equal((await loadState(`${site.directory}/state`))?.waiting, 40)
  t.equal(site.incoming.instances('1.2.3.0', 'series').length, 0)
})

t.test('a project whose token has no rights keeps no other from working', async (t) => {
  const site = await serveSite(t)
  site.routing.rights.export = false
  site.own.rights.import = false
  const { source, until, troubles } = await startSource(t, site)
  source.studySeen(study('1.2.3'))
  source.requestMade(request('1.2.3', { project: 'OWN', participant: 'O1' }))
  source.result(deidentified('1.2.3', { project: 'OWN' }))
  source.result(transfer('1.2.3'))
  await until(
    () => site.incoming.instances('1.2.3', 'transfers')[0]?.['transfers_complete'] === '2',
  )
  await until(() => troubles.some((error) => error?.code === 'E_REDCAP_RIGHTS'), 'reading')
})

t.test('who asked for what cannot be done is told so where they asked', async (t) => {
  const site = await serveSite(t)
  site.incoming.put(
    '1.2.3',
    { transfer_project_name: 'ABCD', transfer_name: 'wrong' },
    'transfers',
    1,
  )
  const { source, until } = await startSource(t, site)
  const one = study('1.2.3')
  source.studySeen(one)
  source.studyHeld(
    {
      type: 'held',
      requestId: 'h1',
      time: '2026-01-02T12:00:00.000Z',
      reasons: [{ code: 'participant-pattern', where: 'participant', count: 1 }],
      how: 'fiona request',
    },
    one,
  )
  await until(
    () => site.incoming.instances('1.2.3', 'transfers')[0]?.['transfers_complete'] === '1',
  )
  t.match(site.incoming.instances('1.2.3', 'transfers'), [
    { transfer_error_message: /participant-pattern/, transfer_name: 'wrong' },
  ])
  site.incoming.put(
    '1.2.3',
    { transfer_name: 'ABCD_001', transfer_event_name: 'baseline' },
    'transfers',
    1,
  )
  source.requestMade(request('1.2.3'))
  await until(
    () => site.incoming.instances('1.2.3', 'transfers')[0]?.['transfers_complete'] === '0',
  )
  t.match(site.incoming.instances('1.2.3', 'transfers'), [{ transfer_error_message: '' }])
})
