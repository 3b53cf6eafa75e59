import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { FreeSpace } from '../../src/lib/intake/index.ts'
import { StepStore, Steps } from '../../src/lib/mpps/index.ts'
import { toJson } from '../../src/lib/mpps/json-data-set.ts'
import { type MppsRecord, parseRecord } from '../../src/lib/record/index.ts'
import { parseUid } from '../../src/lib/uid/index.ts'
import { type TestElement, dataSetBytes, el, syntax } from '../fixtures/dicom-writer.ts'
import { beginning, ending, scheduled } from './messages.ts'

const series = { '2.25.1001.1': ['2.25.1001.1.1', '2.25.1001.1.2'] }
const uid = parseUid('2.25.7001')

/** Steps of one process on a directory, and what it said. */
class Site {
  readonly records: MppsRecord[] = []
  readonly steps: Steps
  /** Called when a record is to be written; may throw. */
  onPut: (record: MppsRecord) => void = () => undefined
  isSinkLost = false
  readonly dataDir: string

  constructor(dataDir: string, reserveBytes = 0) {
    this.dataDir = dataDir
    const put = async (record: unknown): Promise<void> => {
      this.onPut(record as MppsRecord)
      this.records.push(record as MppsRecord)
    }
    this.steps = new Steps({
      store: new StepStore(dataDir),
      sink: { put, close: async () => undefined },
      freeSpace: new FreeSpace(dataDir, reserveBytes),
      log: pino({ level: 'silent' }),
      onSinkLost: () => {
        this.isSinkLost = true
      },
    })
  }

  create(instance: string, elements: readonly TestElement[] = beginning(), association = 'a1') {
    return this.#ask('create', instance, elements, association)
  }

  set(instance: string, elements: readonly TestElement[], association = 'a1') {
    return this.#ask('set', instance, elements, association)
  }

  /** The status that is answered. */
  async #ask(
    what: 'create' | 'set',
    instance: string,
    elements: readonly TestElement[],
    association: string,
  ): Promise<string> {
    using file = DicomFile.fromDataSet(dataSetBytes(elements), syntax.explicit)
    const source = { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.1', association }
    const done = await this.steps[what]({ instance, dataSet: toJson(file), source })
    return 'refused' in done ? `0x0${done.refused.toString(16)}` : done.MPPSInstanceUID
  }
}

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'fiona-mpps-'))
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true })
  })
  return path
}

t.test('a step from its beginning to its end, each time a whole record', async (t) => {
  const site = new Site(folder(t))
  t.equal(await site.create(uid), uid)
  t.equal(await site.set(uid, ending('COMPLETED', series)), uid)
  t.match(site.records, [
    {
      type: 'mpps',
      MPPSInstanceUID: uid,
      status: 'IN PROGRESS',
      StudyInstanceUID: '2.25.1001',
      series: [],
      source: { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.1', association: 'a1' },
      attributes: {
        PatientID: 'EX-0007',
        PatientName: 'Example^Step',
        AccessionNumber: 'ACC0001',
        Modality: 'CT',
        PerformedStationAETitle: 'CT1',
        RequestedProcedureDescription: 'CT Chest',
        PerformedProcedureStepStartDate: '20240102',
      },
    },
    {
      status: 'COMPLETED',
      StudyInstanceUID: '2.25.1001',
      series: [
        {
          SeriesInstanceUID: '2.25.1001.1',
          instances: ['2.25.1001.1.1', '2.25.1001.1.2'],
          SeriesDescription: 'Axial 5 mm',
          ProtocolName: 'CHEST',
        },
      ],
      attributes: { PatientID: 'EX-0007', PerformedProcedureStepEndTime: '031500' },
    },
  ])
  for (const record of site.records) parseRecord(record)
  t.notOk('studies' in (site.records[0] ?? {}))
  const kept = JSON.parse(
    readFileSync(join(site.dataDir, 'mpps', `${uid}.json`), 'utf8'),
  ) as Record<string, unknown>
  t.match(kept, {
    MPPSInstanceUID: uid,
    dataSet: {
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Example^Step' }] },
      '00400252': { vr: 'CS', Value: ['COMPLETED'] },
    },
  })
})

t.test('a step for several studies names them all', async (t) => {
  const site = new Site(folder(t))
  await site.create(uid, beginning(scheduled('2.25.1', '2.25.2', '2.25.1')))
  t.match(site.records, [{ StudyInstanceUID: '2.25.1', studies: ['2.25.1', '2.25.2'] }])
})

t.test('why a step was discontinued stands in its record', async (t) => {
  const site = new Site(folder(t))
  await site.create(uid)
  const reason = { tag: 0x00400281, vr: 'SQ', items: [[el(0x00080104, 'LO', 'Patient died')]] }
  t.equal(await site.set(uid, ending('DISCONTINUED', {}, reason)), uid)
  const keyword = 'PerformedProcedureStepDiscontinuationReasonCodeSequence'
  t.match(site.records[1], { status: 'DISCONTINUED', attributes: { [keyword]: 'Patient died' } })
})

t.test('what is no step of ours is refused, and nothing is said', async (t) => {
  const site = new Site(folder(t))
  t.equal(await site.set(uid, ending('COMPLETED', series)), '0x0112', 'never created')
  t.equal(await site.set('../../x', ending('COMPLETED', series)), '0x0117')
  t.equal(await site.set('', ending('COMPLETED', series)), '0x0117')
  for (const name of ['..', '.', '/etc/cron.d/x', '1.2\n', '1'.repeat(65), '1.2\0', '-rf', 'CON']) {
    t.equal(await site.create(name), '0x0117', JSON.stringify(name))
  }
  const other = el(0x00080018, 'UI', '2.25.9')
  t.equal(await site.create(uid, beginning(other)), '0x0117', 'two names for one step')
  t.same(site.records, [])
  t.same(readdirSync(site.dataDir), [])
})

t.test('a request without SOP instance gets one, or that of its data set', async (t) => {
  const site = new Site(folder(t))
  const given = await site.create('')
  t.match(given, /^2\.25\.\d+$/)
  t.not(await site.create(''), given)
  t.equal(await site.create('', beginning(el(0x00080018, 'UI', uid))), uid)
  t.equal(await site.set(given, ending('COMPLETED', series)), given)
})

t.test('the same again is a mistake once the first answer was heard', async (t) => {
  const site = new Site(folder(t))
  await site.create(uid)
  site.steps.heard(uid, 'a1')
  t.equal(await site.create(uid), '0x0111')
  await site.set(uid, ending('COMPLETED', series))
  site.steps.heard(uid, 'a1')
  t.equal(await site.set(uid, ending('COMPLETED', series)), '0x0110')
  t.equal(site.records.length, 2)
  await site.steps.close()
  t.equal(await new Site(site.dataDir).create(uid), '0x0111', 'another process knows it, too')
})

t.test('the same again is answered as before while the first answer may be lost', async (t) => {
  const site = new Site(folder(t))
  await site.create(uid, beginning(), 'a1')
  t.equal(await site.create(uid, beginning(el(0x00100020, 'LO', 'EX-0008')), 'a2'), '0x0111')
  t.equal(await site.create(uid, beginning(), 'a2'), uid)
  await site.set(uid, ending('COMPLETED', series), 'a2')
  t.equal(await site.set(uid, ending('DISCONTINUED', series), 'a3'), '0x0110', 'not the same')
  t.equal(await site.set(uid, ending('COMPLETED', series), 'a3'), uid)
  site.steps.heard(uid, 'a3')
  t.equal(await site.set(uid, ending('COMPLETED', series), 'a4'), '0x0110')
  t.same(
    site.records.map(({ status }) => status),
    ['IN PROGRESS', 'IN PROGRESS', 'COMPLETED', 'COMPLETED'],
  )
})

t.test('an answer heard on one association says nothing of another', async (t) => {
  const site = new Site(folder(t))
  await site.create(uid, beginning(), 'a1')
  await site.set(uid, ending('COMPLETED', series), 'a2')
  site.steps.heard(uid, 'a1')
  t.equal(await site.set(uid, ending('COMPLETED', series), 'a3'), uid)
})

/** Ends the work where a killed process would have ended. */
class Killed extends Error {}

t.test('ended between record and file, the modality asks again and succeeds', async (t) => {
  const dataDir = folder(t)
  const requests = [
    (site: Site) => site.create(uid),
    (site: Site) => site.set(uid, ending('COMPLETED', series)),
  ]
  for (const request of requests) {
    const first = new Site(dataDir)
    first.onPut = (record) => {
      first.records.push(record)
      throw new Killed()
    }
    t.equal(await request(first), '0x0213')
    const second = new Site(dataDir)
    t.equal(await request(second), uid)
    t.same(
      second.records.map(({ status, series }) => ({ status, series })),
      first.records.map(({ status, series }) => ({ status, series })),
      'said twice, alike',
    )
  }
})

t.test('a record that cannot be written leaves the step as it was', async (t) => {
  const site = new Site(folder(t))
  await site.create(uid)
  site.steps.heard(uid, 'a1')
  site.onPut = () => {
    throw Object.assign(new Error('no reader'), { code: 'EPIPE' })
  }
  t.equal(await site.set(uid, ending('COMPLETED', series)), '0x0213')
  t.ok(site.isSinkLost)
  site.onPut = () => undefined
  t.equal(await site.set(uid, ending('COMPLETED', series)), '0x0213', 'nothing more is taken')
  const later = new Site(site.dataDir)
  t.equal(await later.set(uid, ending('DISCONTINUED', series)), uid, 'it was not completed')
})

t.test('a file that cannot be written is a refusal that passes', async (t) => {
  const site = new Site(folder(t))
  writeFileSync(join(site.dataDir, 'mpps'), 'in the way')
  t.match(await site.create(uid), /^0x0213$/)
  rmSync(join(site.dataDir, 'mpps'))
  t.equal(await site.create(uid), uid)
})

t.test('a damaged file is left alone and not taken for no step', async (t) => {
  const site = new Site(folder(t))
  mkdirSync(join(site.dataDir, 'mpps'))
  const path = join(site.dataDir, 'mpps', `${uid}.json`)
  for (const text of ['', '{', 'null', '{"format":"fiona-mpps step","version":2}']) {
    writeFileSync(path, text)
    t.equal(await site.create(uid), '0x0110')
    t.equal(await site.set(uid, ending('COMPLETED', series)), '0x0110')
    t.equal(readFileSync(path, 'utf8'), text)
  }
})

t.test('below the reserve no step begins, and one that began ends', async (t) => {
  const dataDir = folder(t)
  await new Site(dataDir).create(uid)
  const full = new Site(dataDir, Number.MAX_SAFE_INTEGER)
  t.equal(await full.create('2.25.7002'), '0x0213')
  t.equal(await full.set(uid, ending('COMPLETED', series)), uid)
})

t.test('requests for one step at one time: one creates it, none is lost', async (t) => {
  const site = new Site(folder(t))
  const created = await Promise.all(
    [1, 2, 3].map((n) =>
      site.create(uid, beginning(el(0x00400253, 'SH', `PPS${String(n)}`)), `a${String(n)}`),
    ),
  )
  t.same(created.sort(), ['0x0111', '0x0111', uid])
  const comments = [0x00400280, 0x00400254, 0x00400255]
  const set = await Promise.all(comments.map((tag) => site.set(uid, [el(tag, 'LO', 'said')])))
  t.same(set, [uid, uid, uid])
  const { dataSet } = JSON.parse(
    readFileSync(join(site.dataDir, 'mpps', `${uid}.json`), 'utf8'),
  ) as { dataSet: Record<string, unknown> }
  for (const key of ['00400280', '00400254', '00400255']) t.match(dataSet[key], { Value: ['said'] })
})

t.test(
  'what a killed process left half-written is removed, what another still writes is not',
  async (t) => {
    const dataDir = folder(t)
    const directory = join(dataDir, 'mpps')
    mkdirSync(directory)
    const names = [`.${uid}.json.0a.tmp`, `.${uid}.json.0b.tmp`, `${uid}.json`]
    for (const name of names) writeFileSync(join(directory, name), '')
    const hoursAgo = Date.now() / 1000 - 2 * 3600
    for (const name of [names[0], names[2]])
      utimesSync(join(directory, name ?? ''), hoursAgo, hoursAgo)
    await new StepStore(dataDir).prepare()
    t.same(readdirSync(directory).sort(), names.slice(1))
  },
)

t.test('two processes cannot both create a step', async (t) => {
  const dataDir = folder(t)
  const [first, second] = [new Site(dataDir), new Site(dataDir)]
  const done = await Promise.all([
    first.create(uid),
    second.create(uid, beginning(el(0x00400253, 'SH', 'PPS2'))),
  ])
  t.same(done.sort(), ['0x0111', uid])
})
