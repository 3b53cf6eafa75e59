import { createHash, createHmac } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { AutoIds, autoIdKey } from '../../src/lib/redcap/auto-ids.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { bareHash, keyedHash } from '../../src/lib/redcap/patient-hashes.ts'
import { decideByHand, Matcher, Projects, Store } from '../../src/lib/request/index.ts'
import { silent } from '../request/requests.ts'
import { serveSite, type Site, startSource, study } from './sourced.ts'

const sha = (algorithm: string, text: string): string =>
  createHash(algorithm).update(text).digest('hex')
/** That of `startSource`. */
const keyed = keyedHash((...texts) => createHmac('sha256', 'key').update(texts.join()).digest())
const keyOf = (patientId: string): string =>
  autoIdKey(study('1.2', { values: { PatientID: patientId } }), keyed)

/** A source with the filter in front of it, as the tool puts them together. */
async function matching(t: Parameters<typeof startSource>[0], site: Site, state: string) {
  const store = await Store.open(join(site.directory, state, 'requests'))
  t.teardown(() => store[Symbol.dispose]())
  const running = await startSource(t, site, { state: join(site.directory, state, 'redcap') })
  const { source } = running
  const projects = new Projects({}, [source], Date.now, () => undefined)
  const matcher = new Matcher({
    store,
    owner: 'request',
    projects,
    sources: [source],
    howToDecide: () => '',
    clock: Date.now,
    log: silent,
    inStage: true,
    requestsOnly: false,
    sync: async () => undefined,
  })
  const take = (uid: string, patientId: string, revision = 1) => {
    const { record } = study(uid, { revision })
    const attributes = { PatientID: patientId }
    const sources = { callingAET: ['SCANNER1'], calledAET: ['AUTO'] }
    const time = new Date().toISOString()
    return matcher.record({ ...record, time, attributes, sources }) as readonly AnyRecord[]
  }
  return { ...running, store, matcher, take }
}

const codesOf = (records: readonly object[]) =>
  records
    .flatMap((one) => ('reasons' in one ? (one.reasons as { code: string }[]) : []))
    .map(({ code }) => code)

t.test('the patient of a study is called as the original calls it', async (t) => {
  const one = study('1.2.3', { values: { PatientID: '01017012345' } })
  t.equal(autoIdKey(one, bareHash), sha('sha512', sha('sha256', '01017012345')))
  t.not(autoIdKey(one, keyed), autoIdKey(one, bareHash))
  const nobody = study('1.2.3', { values: { PatientID: '' } })
  const other = study('1.2.4', { values: { PatientID: '' } })
  t.not(autoIdKey(nobody, keyed), autoIdKey(other, keyed), 'nobody is no patient in common')
})

t.test('names are found by patient and by name', async (t) => {
  const names = new AutoIds([
    { record: '1', project: 'A', key: 'k1', participant: 'A1' },
    { record: '2', project: 'A', key: 'k2', participant: 'A2' },
    { record: '3', project: 'A', key: 'k2', participant: 'A3' },
    { record: '4', project: 'A', key: '', participant: 'A4' },
  ])
  t.strictSame(names.participantsOf('A', 'k1'), ['A1'])
  t.strictSame(names.participantsOf('A', 'k2'), ['A2', 'A3'])
  t.strictSame(names.participantsOf('B', 'k1'), [])
  t.strictSame(names.participantsOf('A', ''), [])
  t.equal(names.isOfAnother('A', 'A1', 'k1'), false)
  t.equal(names.isOfAnother('A', 'A1', 'k2'), true)
  t.equal(names.isOfAnother('A', 'A4', 'k1'), true, 'given, and nobody knows to whom')
  t.equal(names.isOfAnother('A', 'A5', 'k1'), false)
  t.equal(names.countOf('A'), 4)
})

t.test(
  'whoever has a name keeps it, nobody gets one that is given, and new ones are entered',
  async (t) => {
    const site = await serveSite(t)
    site.projects.put('P', {
      project_active: '1',
      project_patient_naming: 'P_[0-4]',
      project_use_autoid: '1',
      project_autoid_aetitle: 'AUTO',
    })
    site.autoIds.put('1', {
      autoid_project_name: 'P',
      autoid_hash: keyOf('known').toUpperCase(),
      autoid_value: 'P_3',
      autoid_method: '1',
    })
    site.autoIds.put('2', { autoid_project_name: 'P', autoid_hash: 'other', autoid_value: 'P_0' })
    const running = await matching(t, site, 'state')
    await running.until(() => running.source.whyNot() === undefined, 'reading')
    t.match(running.take('1.2.1', 'known'), [{ type: 'request', project: 'P', participant: 'P_3' }])
    const given = new Map<string, unknown>()
    for (const [at, patient] of ['a', 'b', 'c'].entries()) {
      const [made] = running.take(`1.2.2.${String(at)}`, patient)
      t.match(made, { type: 'request', requestedBy: /AutoID/ })
      given.set(patient, made?.['participant'])
    }
    t.strictSame(new Set(given.values()), new Set(['P_1', 'P_2', 'P_4']))
    t.match(running.take('1.2.3', 'b'), [{ participant: given.get('b') }])
    t.strictSame(codesOf(running.take('1.2.4', 'd')), ['pattern-exhausted'])
    await running.source.sync()
    await running.until(() => running.source.waiting === 0)
    const written = () => new Set(site.autoIds.lines.map(({ record }) => record))
    t.equal(written().size, 5, 'two of before, three new ones')
    for (const [patient, name] of given) {
      const found = site.autoIds.lines.filter(
        ({ values }) => values.get('autoid_hash') === keyOf(patient),
      )
      t.equal(found.length, 1)
      t.match(Object.fromEntries(found[0]?.values ?? []), {
        autoid_project_name: 'P',
        autoid_value: name,
        autoid_method: '1',
      })
    }
    const all = JSON.stringify(site.autoIds.lines.map((line) => [line.record, ...line.values]))
    t.notMatch(all, /known|01017012345/)
    // Said again: it is there once.
    running.take('1.2.2.0', 'a', 2)
    await running.source.sync()
    await running.until(() => running.source.waiting === 0)
    t.equal(written().size, 5)
  },
)

t.test('without the table nobody gets a name, and with it who waited does', async (t) => {
  const site = await serveSite(t)
  site.projects.put('P', {
    project_active: '1',
    project_patient_naming: 'P_[0-9]{3}',
    project_use_autoid: '1',
    project_autoid_aetitle: 'AUTO',
  })
  site.autoIds.rights.export = false
  const running = await matching(t, site, 'state')
  await running.until(() => running.source.projectFacts('P') !== undefined, 'reading')
  t.strictSame(codesOf(running.take('1.2.1', 'a')), ['names-unread'])
  site.autoIds.rights.export = true
  await running.until(() => running.source.whyNot() === undefined, 'reading')
  const later = running.matcher.timer.fire(performance.now() + 10_000)
  t.match(later, [{ type: 'request', project: 'P', participant: /^P_\d{3}$/ }])
})

t.test('two who gave at once are noticed: nothing more goes on under that name', async (t) => {
  const site = await serveSite(t)
  site.projects.put('P', {
    project_active: '1',
    project_patient_naming: 'P_[0-9]{3}',
    project_use_autoid: '1',
    project_autoid_aetitle: 'AUTO',
  })
  const running = await matching(t, site, 'state')
  await running.until(() => running.source.whyNot() === undefined, 'reading')
  const [made] = running.take('1.2.1', 'a')
  t.equal(made?.['exclude'], undefined)
  const name = String(made?.['participant'])
  site.autoIds.put('77', {
    autoid_project_name: 'P',
    autoid_hash: keyOf('somebody else'),
    autoid_value: name,
  })
  const isSeen = () =>
    running.source
      .givenNames('P')
      ?.of(study('9', { values: { PatientID: 'a' } }))
      .isOfAnother(name)
  await running.until(() => isSeen() === true, 'reading')
  t.strictSame(codesOf(running.take('1.2.2', 'a')), ['participant-taken'])
  // Another name for the same patient is no less a conflict, and what a person has entered stays.
  site.autoIds.put('78', {
    autoid_project_name: 'P',
    autoid_hash: keyOf('b'),
    autoid_value: 'P_ENTERED',
  })
  const knows = () => running.source.givenNames('P')?.of(study('9', { values: { PatientID: 'b' } }))
  await running.until(() => knows()?.participants.length === 1, 'reading')
  running.source.nameGiven('P', 'P_OTHER', study('1.2.3', { values: { PatientID: 'b' } }))
  await running.until(() => /E_REDCAP_NAME/.test(running.log.join('\n')))
  t.equal(site.autoIds.row('78')['autoid_value'], 'P_ENTERED')
  t.notMatch(running.log.join('\n'), /P_ENTERED|P_OTHER/)
})

t.test(
  'what a project does not want stands in its requests, and masks are not its to take off',
  async (t) => {
    const site = await serveSite(t)
    site.projects.put('P', {
      project_active: '1',
      project_patient_naming: 'P_[0-9]{3}',
      project_use_autoid: '1',
      project_autoid_aetitle: 'AUTO',
      project_features___0: '1',
      project_features___1: '1',
      project_features___2: '1',
    })
    const running = await matching(t, site, 'state')
    await running.until(() => running.source.whyNot() === undefined, 'reading')
    const [made] = running.take('1.2.1', 'a')
    t.match(made?.['exclude'], [
      { modality: 'PR' },
      { sopClass: '1.2.840.10008.5.1.4.1.1.7' },
      { sopClass: /\.7\.1$/ },
    ])
    t.match(running.log.join('\n'), /pixels are never masked/)
  },
)

t.test(
  'who is the same person under another number, as somebody said, is nobody else',
  async (t) => {
    const site = await serveSite(t)
    site.projects.put('P', { project_active: '1', project_patient_naming: 'P_[0-9]{3}' })
    site.autoIds.put('1', {
      autoid_project_name: 'P',
      autoid_hash: keyOf('first'),
      autoid_value: 'P_001',
    })
    const running = await matching(t, site, 'state')
    await running.until(() => running.source.whyNot() === undefined, 'reading')
    const { store, source } = running
    const ask = (uid: string) =>
      site.incoming.put(uid, { transfer_project_name: 'P', transfer_name: 'P_001' }, 'transfers', 1)
    for (const uid of ['1.2.1', '1.2.2', '1.2.3']) ask(uid)
    await running.until(() => source.decide(study('1.2.3')).length === 1, 'reading')
    t.match(running.take('1.2.1', 'first'), [{ type: 'request', participant: 'P_001' }])
    t.strictSame(codesOf(running.take('1.2.2', 'second')), ['participant-taken'])
    const projects = new Projects({}, [source], Date.now, () => undefined)
    const wanted = { study: '1.2.2', project: 'P', participant: 'P_001', event: undefined }
    const how = { drop: false, undo: false, who: 'by hand (me)' }
    const decide = (samePatient: boolean) =>
      decideByHand({ ...wanted, ...how, samePatient }, store, projects, Date.now())
    t.throws(() => decide(false), { code: 'E_REQUEST_REFUSED', hint: /--same-patient/ })
    decide(true)
    t.match(running.take('1.2.2', 'second'), [{ participant: 'P_001' }])
    t.match(running.take('1.2.3', 'second'), [{ participant: 'P_001' }], 'the next of that number')
  },
)
