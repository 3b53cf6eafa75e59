import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync, appendFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { binDir, run, start } from '../fixtures/peers.ts'
import { withoutSqlite } from '../fixtures/sqlite.ts'

// tap's loaders are for the tests: the tools run as they do for everybody.
process.env['NODE_OPTIONS'] = ''

const needsSqlite = { skip: withoutSqlite }

const study = (n: number) => `2.25.${String(1000 + n)}`
/** A journal's segments as any writer leaves them. */
const segment = (dataDir: string, journal: string) => {
  mkdirSync(join(dataDir, 'journal', journal), { recursive: true })
  return join(dataDir, 'journal', journal, '20261124T000000000Z-test-00000001-000001.ndjson')
}
const time = (second: number) => new Date(Date.UTC(2026, 10, 24, 12, 0, second)).toISOString()
const instance = (n: number, object: number, more: object = {}) => ({
  type: 'instance',
  v: 1,
  time: time(object),
  project: n % 2 === 0 ? 'EVEN' : 'ODD',
  path: `/archive/${study(n)}/${String(object)}.dcm`,
  size: 1000,
  SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
  SOPInstanceUID: `${study(n)}.1.${String(object)}`,
  SeriesInstanceUID: `${study(n)}.1`,
  StudyInstanceUID: study(n),
  TransferSyntaxUID: '1.2.840.10008.1.2.1',
  attributes: {
    PatientID: `P${String(n)}`,
    Modality: n === 0 ? 'MR' : 'CT',
    StudyDescription: 'Head',
  },
  ...more,
})
const complete = (n: number, instances: number, revision: number) => ({
  type: 'study',
  v: 1,
  time: time(50),
  project: n % 2 === 0 ? 'EVEN' : 'ODD',
  StudyInstanceUID: study(n),
  path: `/archive/${study(n)}`,
  series: [{ SeriesInstanceUID: `${study(n)}.1`, instances, bytes: instances * 1000 }],
  instances,
  bytes: instances * 1000,
  reason: 'quiet',
  revision,
  ClassifyType: ['HEAD'],
})
const lines = (...records: readonly object[]) =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('')

function site(test: typeof t): string {
  const dataDir = test.testdir()
  const objects = [0, 1, 2].flatMap((n) => [1, 2, 3].map((object) => instance(n, object)))
  writeFileSync(segment(dataDir, 'received'), lines(...objects))
  writeFileSync(
    segment(dataDir, 'organized'),
    lines(objects[0] ?? {}, complete(0, 3, 1), complete(1, 2, 1)),
  )
  writeFileSync(
    segment(dataDir, 'errors'),
    lines({
      type: 'error',
      time: time(55),
      tool: 'fiona-anon',
      code: 'E_DICOM_PARSE',
      message: 'damaged',
      retryable: false,
      record: complete(0, 3, 1),
    }),
  )
  return dataDir
}
const index = (dataDir: string, ...args: string[]) =>
  run(`${binDir}/fiona-index`, [...args, '--data-dir', dataDir])
async function ls(dataDir: string, ...args: string[]) {
  const { code, stdout, stderr } = await run(`${binDir}/fiona-ls`, [...args, '--data-dir', dataDir])
  const rows = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return { code, rows, stdout, stderr }
}

t.test(
  'what is listed is the same without an index, with one, and after all is read again',
  needsSqlite,
  async (t) => {
    const dataDir = site(t as never)
    const without = await ls(dataDir, 'studies')
    t.match(without.stderr, /without an index/)
    t.notOk(existsSync(join(dataDir, 'index/index.sqlite')), 'asking makes no index')
    t.equal((await index(dataDir, '--once')).code, 0)
    for (const args of [[], ['--once'], ['--rebuild']]) {
      if (args.length > 0) t.equal((await index(dataDir, ...args)).code, 0)
      const found = await ls(dataDir, 'studies')
      t.equal(found.stdout, without.stdout, args.join())
      t.equal(found.stderr, '')
    }
    t.strictSame(
      without.rows.map((row) => [row['StudyInstanceUID'], row['state'], row['instances']]).sort(),
      [
        [study(0), 'failed', 3],
        [study(1), 'late objects', 3],
        [study(2), 'arriving', 3],
      ],
    )
  },
)

t.test(
  'an object that comes again counts once, another one under its UID counts',
  needsSqlite,
  async (t) => {
    const dataDir = site(t as never)
    await index(dataDir, '--once')
    const uid = `${study(0)}.1.1`
    appendFileSync(
      segment(dataDir, 'received'),
      lines(
        instance(0, 1, { duplicate: true }),
        instance(0, 1, { path: `/a/${uid}~0123456789abcdef.dcm` }),
      ),
    )
    t.match((await ls(dataDir)).stderr, /the index is 2 records behind/)
    await index(dataDir, '--once')
    const { rows } = await ls(dataDir, 'projects', '--project', 'EVEN')
    t.match(rows, [{ studies: 2, series: 2, instances: 7, bytes: 7000, errors: 1 }])
  },
)

t.test('a study is failed until what went wrong is handed in again', needsSqlite, async (t) => {
  const dataDir = site(t as never)
  await index(dataDir, '--once')
  const ofFirst = async () =>
    (await ls(dataDir)).rows.find((row) => row['StudyInstanceUID'] === study(0))
  t.match(await ofFirst(), { state: 'failed', errors: 1 })
  const [error] = (await ls(dataDir, 'errors')).rows
  const note = { type: 'retried', v: 1, time: time(59), error: error?.['place'], to: 'organized' }
  appendFileSync(segment(dataDir, 'errors'), lines(note))
  await index(dataDir, '--once')
  const healed = await ofFirst()
  t.match(healed, { state: 'complete' })
  t.notOk('errors' in (healed ?? {}))
  t.match((await ls(dataDir, 'errors')).rows, [{ retried: true }])
})

t.test('the questions: project, time, type', needsSqlite, async (t) => {
  const dataDir = site(t as never)
  await index(dataDir, '--once')
  const uids = async (...args: string[]) =>
    (await ls(dataDir, ...args)).rows.map((row) => row['StudyInstanceUID']).sort()
  t.strictSame(await uids('studies', '--project', 'ODD'), [study(1)])
  t.strictSame(await uids('studies', '--type', 'HEAD'), [study(0), study(1)])
  t.strictSame(await uids('series', '--type', 'MR'), [study(0)])
  t.strictSame(await uids('studies', '--since', '2026-11-25'), [])
  t.strictSame(await uids('errors', '--type', 'E_DICOM_PARSE'), [study(0)])
  t.strictSame(await uids('errors', '--type', 'E_OTHER'), [])
  t.strictSame(await uids('errors', '--since', '2h'), [], 'all of it is of 2026-11-24')
  t.equal((await ls(dataDir, 'patients')).code, 64)
  t.match(await ls(dataDir, '--since', '2026-02-30'), { code: 64, stderr: /hint: write 2h, 7d/ })
})

t.test('a StudyDate that no calendar has hides no study', needsSqlite, async (t) => {
  const dataDir = t.testdir()
  const dates = ['00000000', '20241399', '99999999', '2024-13-99', '1e400', '', 'NaN', '18000101']
  const objects = dates.map((StudyDate, n) =>
    instance(n, 1, {
      attributes: { PatientID: 'P', Modality: 'CT', StudyDate, StudyTime: '250099' },
    }),
  )
  writeFileSync(segment(dataDir, 'received'), lines(...objects))
  const since = ['--since', '2026-11-24']
  const without = await run('fiona-ls', ['studies', '--json', ...since, '--data-dir', dataDir])
  t.equal((await run('fiona-index', ['--once', '--data-dir', dataDir])).code, 0)
  const found = await run('fiona-ls', ['studies', '--json', ...since, '--data-dir', dataDir])
  t.equal(found.stdout, without.stdout)
  const told = found.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { StudyInstanceUID: string })
  t.same(
    new Set(told.map(({ StudyInstanceUID }) => StudyInstanceUID)),
    new Set(dates.map((_, n) => study(n))),
  )
})

t.test(
  'a damaged index, one of another kind, or one ahead of its journals is made again',
  needsSqlite,
  async (t) => {
    const dataDir = site(t as never)
    const path = join(dataDir, 'index/index.sqlite')
    await index(dataDir, '--once')
    const right = (await ls(dataDir)).stdout
    writeFileSync(path, 'no database at all, but long enough to be taken for one'.repeat(100))
    const asked = await ls(dataDir)
    t.equal(asked.stdout, right)
    t.match(asked.stderr, /damaged/)
    const mended = await index(dataDir, '--once')
    t.match(mended, { code: 0, stderr: /set aside/ })
    t.ok(existsSync(`${path}.set-aside`))
    t.equal((await ls(dataDir)).stdout, right)
    // A power loss took lines that had been read.
    truncateSync(segment(dataDir, 'errors'), 0)
    await index(dataDir, '--once')
    t.same((await ls(dataDir, 'errors')).rows, [])
    const healed = right.replace('"state":"failed","errors":1', '"state":"complete"')
    t.equal((await ls(dataDir)).stdout, healed)
  },
)

t.test('killed at any moment, each object counts once', needsSqlite, async (t) => {
  const dataDir = site(t as never)
  const received = segment(dataDir, 'received')
  rmSync(received)
  const all = 20_000
  const many = Array.from({ length: all }, (_, n) => instance(n % 40, n))
  writeFileSync(received, lines(...many))
  for (const after of [120, 180, 240, 300, 360, 420]) {
    const child = start(`${binDir}/fiona-index`, ['--follow', '--data-dir', dataDir])
    const closed = once(child, 'close')
    await delay(after)
    child.kill('SIGKILL')
    await closed
  }
  t.equal((await index(dataDir, '--once')).code, 0)
  const { rows } = await ls(dataDir, 'projects')
  t.equal(
    rows.reduce((sum, row) => sum + Number(row['instances']), 0),
    all,
  )
})

t.test('what goes to research is known by its number and its fate', needsSqlite, async (t) => {
  const dataDir = site(t as never)
  const request = (requestId: string, second: number, more: object) => ({
    ...{ v: 1, time: time(second), project: 'EVEN', requestId, participant: 'SUBJ-01' },
    ...more,
  })
  const made = (requestId: string, second: number, revision: number) =>
    request(requestId, second, {
      ...{ type: 'deidentified', StudyInstanceUID: '2.25.99', path: '/out', series: [] },
      ...{ instances: 3, bytes: 3, profile: 'basic', profileDigest: 'x', revision },
    })
  const held = (requestId: string, second: number) =>
    request(requestId, second, {
      type: 'held',
      reasons: [{ code: 'BURNED_IN', where: 'x', count: 1 }],
      how: `fiona-anon --release ${requestId}`,
    })
  const sent = (requestId: string, second: number, destination: string, status: string) =>
    request(requestId, second, {
      ...{ type: 'transfer', destination, status, revision: 1, attempts: 1, seconds: 1 },
      ...{ instances: { sent: 3, failed: 0 }, committed: false, verified: false },
    })
  writeFileSync(segment(dataDir, 'held'), lines(held('r1', 1), held('r2', 1), held('r6', 9)))
  writeFileSync(
    segment(dataDir, 'outbox'),
    lines(
      ...[made('r2', 2, 1), made('r3', 3, 1), made('r4', 4, 1), made('r5', 5, 2)],
      made('r6', 1, 1),
    ),
  )
  writeFileSync(
    segment(dataDir, 'sent'),
    lines(
      ...[sent('r3', 6, 'pacs', 'partial'), sent('r3', 7, 'pacs', 'sent')],
      ...[sent('r4', 6, 'pacs', 'sent'), sent('r4', 6, 'folder', 'refused')],
      ...[sent('r5', 4, 'pacs', 'sent'), sent('r6', 2, 'pacs', 'sent')],
    ),
  )
  for (const words of [[], ['--once']]) {
    if (words.length > 0) await index(dataDir, ...words)
    const { rows } = await ls(dataDir, 'deliveries')
    t.strictSame(Object.fromEntries(rows.map((row) => [row['requestId'], row['state']])), {
      r1: 'held',
      r2: 'waiting',
      r3: 'delivered',
      r4: 'failed',
      r5: 'waiting',
      r6: 'held',
    })
    t.match(
      rows.find(({ requestId }) => requestId === 'r1'),
      {
        reasons: 'BURNED_IN',
        how: 'fiona-anon --release r1',
      },
    )
    t.notMatch(JSON.stringify(rows), /SUBJ-01|2\.25\.99/, 'no research identity')
    const failed = await ls(dataDir, 'deliveries', '--type', 'failed')
    t.match(failed.rows, [{ requestId: 'r4', destinations: /folder/ }])
  }
  const [even] = (await ls(dataDir, 'projects', '--project', 'EVEN')).rows
  t.match(even, { held: 2, failed: 1, delivered: 1, errors: 1 })
})

t.test('as a filter it passes all on, and the archive can fill it', needsSqlite, async (t) => {
  const dataDir = t.testdir()
  const input = lines({ type: 'other', x: 1 }, instance(1, 1), instance(1, 1), instance(1, 2), {
    type: 'mark',
    seq: 1,
  })
  const { code, stdout } = await run(`${binDir}/fiona-index`, ['--data-dir', dataDir], { input })
  t.equal(code, 0)
  t.equal(stdout, input)
  t.match((await ls(dataDir)).rows, [{ instances: 2, state: 'arriving' }])
})

t.test(
  'no control character of a header reaches the output, and JSON keeps its value',
  needsSqlite,
  async (t) => {
    const dataDir = t.testdir()
    const PatientID = 'A\u001b]0;x\u0007\u009b31m\u202e'
    writeFileSync(
      segment(dataDir, 'received'),
      lines(instance(1, 1, { attributes: { PatientID } })),
    )
    const { stdout, rows } = await ls(dataDir)

    t.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    t.equal(rows[0]?.['PatientID'], PatientID)
  },
)
