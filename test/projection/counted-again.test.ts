// What the index works out when something changes must be what somebody would count who looks at all of it.
import fc from 'fast-check'
import t from 'tap'
import {
  listDeliveries,
  listErrors,
  listProjects,
  listSeries,
  listStudies,
  Projection,
  type Questions,
} from '../../src/lib/projection/index.ts'
import { withoutSqlite } from '../fixtures/sqlite.ts'

const few = fc.integer({ min: 0, max: 2 })
const project = fc.constantFrom('A', 'B')
const second = fc.integer({ min: 0, max: 50 })
const time = (at: number) => new Date(Date.UTC(2026, 10, 24, 12, 0, at)).toISOString()
const types = fc.subarray(['HEAD', 'T1', 'CT'])
const study = (n: number) => `2.25.${String(n + 1)}`
const series = (n: number, of: number) => `${study(n)}.${String(of + 1)}`

const instance = fc
  .record({
    n: few,
    of: few,
    object: few,
    project,
    second,
    modality: fc.constantFrom('CT', 'MR', ''),
  })
  .map(({ n, of, object, project, second, modality }) => ({
    ...{ type: 'instance', time: time(second), project, path: '/a/1.dcm', size: 10 },
    ...{ SOPClassUID: '1.2', SOPInstanceUID: `${series(n, of)}.${String(object + 1)}` },
    ...{ SeriesInstanceUID: series(n, of), StudyInstanceUID: study(n), TransferSyntaxUID: '1.2' },
    attributes: { Modality: modality, PatientID: 'P' },
  }))
const complete = fc
  .record({
    n: few,
    project,
    second,
    revision: few,
    ofStudy: types,
    ofSeries: types,
    instances: few,
  })
  .map(({ n, project, second, revision, ofStudy, ofSeries, instances }) => ({
    ...{ type: 'study', time: time(second), project, StudyInstanceUID: study(n), path: null },
    series: [
      {
        ...{ SeriesInstanceUID: series(n, 0), instances, bytes: 10, Modality: 'US' },
        ...{ ClassifyType: ofSeries, files: [] },
      },
    ],
    ...{ instances, bytes: 10, reason: 'quiet', revision: revision + 1, ClassifyType: ofStudy },
  }))
const ofRequest = fc.record({ n: few, project: fc.constant('A'), second })
const made = fc.tuple(ofRequest, few).map(([{ n, project, second }, revision]) => ({
  ...{ type: 'deidentified', requestId: `r${String(n)}`, project, time: time(second) },
  ...{ participant: 'S', StudyInstanceUID: '2.25.9', path: '/o', series: [], instances: 1 },
  ...{ bytes: 1, profile: 'basic', profileDigest: 'x', revision: revision + 1 },
}))
const held = ofRequest.map(({ n, project, second }) => ({
  ...{ type: 'held', requestId: `r${String(n)}`, project, time: time(second), participant: 'S' },
  ...{ reasons: [{ code: 'X', where: 'x', count: 1 }], how: 'look' },
}))
const ended = fc
  .tuple(ofRequest, few, fc.constantFrom('sent', 'partial'), fc.constantFrom('d', 'e'))
  .map(([{ n, project, second }, revision, status, destination]) => ({
    ...{ type: 'transfer', requestId: `r${String(n)}`, project, time: time(second), destination },
    ...{ status, instances: { sent: 1, failed: 0 }, attempts: 1, seconds: 1, participant: 'S' },
    ...{ committed: false, verified: false, revision: revision + 1 },
  }))
const error = fc
  .record({
    n: few,
    project: fc.option(project, { nil: undefined }),
    second,
    code: fc.constantFrom('E_A', 'E_B'),
  })
  .map(({ n, project, second, code }) => ({
    ...{ type: 'error', time: time(second), tool: 'x', code, message: 'm', retryable: false },
    record: { type: 'study', project, StudyInstanceUID: study(n) },
  }))
/** Of the error on some line, perhaps before it, perhaps of none. */
const retried = fc.nat(12).map((line) => ({ type: 'retried', line }))
const journal = fc.array(
  fc.oneof(instance, instance, complete, made, held, ended, error, error, retried),
  { minLength: 1, maxLength: 40 },
)

type Rows = readonly Readonly<Record<string, unknown>>[]
const typesOf = (row: Rows[number]): string[] => row['ClassifyType'] as string[]

t.test(
  'whatever comes in whatever order, a list is what one would pick out of all',
  { skip: withoutSqlite },
  async (t) => {
    await fc.assert(
      fc.asyncProperty(journal, fc.integer({ min: 1, max: 7 }), async (records, atOnce) => {
        using projection = await Projection.temporary()
        // Every line has the same length, so that a note knows where its error begins.
        const width = 1200
        const lines = records.map((record) => {
          const line =
            'line' in record
              ? { type: 'retried', error: `s:${String(record.line * width)}` }
              : record
          return `${JSON.stringify(line).padEnd(width - 1)}\n`
        })
        for (let at = 0; at < lines.length; at += atOnce) {
          const some = lines.slice(at, at + atOnce)
          const place = { journal: 'received', segment: 's', start: at * width }
          const end = (at + some.length) * width
          t.ok(projection.takeLines({ ...place, end, lines: Buffer.from(some.join('')) }))
        }
        const { database } = projection
        const ask = (list: typeof listStudies, questions: Questions = {}): Rows => {
          const listing = list(database, questions)
          const rows = [...listing.rows]
          if (questions.limit === undefined) t.equal(listing.total, rows.length)
          return rows
        }
        const all = {
          studies: ask(listStudies),
          series: ask(listSeries),
          deliveries: ask(listDeliveries),
          errors: ask(listErrors),
        }
        const ids = (rows: Rows) =>
          rows
            .map(
              (row) =>
                `${String(row['project'])} ${String(row['SeriesInstanceUID'] ?? row['StudyInstanceUID'] ?? row['requestId'])} ${String(row['place'])}`,
            )
            .sort()
        for (const project of [undefined, 'A', 'B']) {
          const isOf = (row: Rows[number]) => project === undefined || row['project'] === project
          for (const type of ['HEAD', 'T1', 'CT', 'MR', 'US', 'none']) {
            const isSeries = (row: Rows[number]) =>
              row['Modality'] === type || typesOf(row).includes(type)
            t.same(
              ids(ask(listSeries, { project, type })),
              ids(all.series.filter((row) => isOf(row) && isSeries(row))),
            )
            const isStudy = (row: Rows[number]) =>
              typesOf(row).includes(type) ||
              all.series.some(
                (one) =>
                  one['project'] === row['project'] &&
                  one['StudyInstanceUID'] === row['StudyInstanceUID'] &&
                  isSeries(one),
              )
            const ofType = ask(listStudies, { project, type })
            t.same(ids(ofType), ids(all.studies.filter((row) => isOf(row) && isStudy(row))))
            const times = ofType.map((row) => row['lastTime'])
            t.same(times, times.toSorted().reverse(), 'newest first')
          }
          for (const type of ['held', 'waiting', 'failed', 'delivered']) {
            t.same(
              ids(ask(listDeliveries, { project, type })),
              ids(all.deliveries.filter((row) => isOf(row) && row['state'] === type)),
            )
          }
          for (const type of ['E_A', 'E_B']) {
            t.same(
              ids(ask(listErrors, { project, type })),
              ids(all.errors.filter((row) => isOf(row) && row['code'] === type)),
            )
          }
        }
        const open = all.errors.filter(({ retried }) => retried !== true)
        for (const row of all.studies) {
          const mine = open.filter(
            ({ StudyInstanceUID, project }) =>
              StudyInstanceUID === row['StudyInstanceUID'] &&
              (project ?? row['project']) === row['project'],
          )
          t.equal(row['errors'] ?? 0, mine.length)
          t.equal(row['state'] === 'failed', mine.length > 0)
        }
        for (const row of ask(listProjects)) {
          const mine = (rows: Rows) => rows.filter(({ project }) => project === row['project'])
          const sum = (rows: Rows, key: string) =>
            rows.reduce((total, one) => total + Number(one[key]), 0)
          const count = (state: string) =>
            mine(all.deliveries).filter((one) => one['state'] === state).length
          t.match(row, {
            studies: mine(all.studies).length,
            series: mine(all.series).length,
            instances: sum(mine(all.studies), 'instances'),
            bytes: sum(mine(all.studies), 'bytes'),
            held: count('held'),
            failed: count('failed'),
            delivered: count('delivered'),
            errors: mine(open).length,
          })
        }
      }),
      { numRuns: 60 },
    )
  },
)
