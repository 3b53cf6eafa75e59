import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { StudyRecord } from '../../src/lib/record/index.ts'
import { Study, TableSource } from '../../src/lib/request/index.ts'
import { bench, study } from './requests.ts'

const header = 'AccessionNumber,project,participant\n'

t.test('half a row of a table that is being written is nobody’s name', async (t) => {
  const dir = t.testdir({ 'half.csv': header, 'other.csv': header })
  const open = async (name: string) => {
    const source = new TableSource({
      name,
      file: join(dir, `${name}.csv`),
      firstSeen: () => [],
      clock: () => 0,
      // No time passes: nothing rests for long.
      now: () => 0,
    })
    let changes = 0
    await source.open({
      directory: undefined,
      changed: () => {
        changes += 1
      },
      trouble: (error) => t.equal(error, undefined),
      signal: new AbortController().signal,
    })
    t.teardown(() => source.close())
    return { source, changes: () => changes }
  }
  const half = await open('half')
  const other = await open('other')
  const asked = new Study(study(1) as unknown as StudyRecord)
  // Somebody writes slowly, and stops in the middle of S123.
  appendFileSync(join(dir, 'half.csv'), 'A1,P,S1')
  // Each of these is looked at as often as the other one is.
  for (const number of [1, 2]) {
    writeFileSync(join(dir, 'new'), `${header}A2,P,T${String(number)}\n`)
    renameSync(join(dir, 'new'), join(dir, 'other.csv'))
    while (other.changes() < number) await delay(50)
  }
  t.strictSame(half.source.decide(asked), [])
  appendFileSync(join(dir, 'half.csv'), '23\n')
  while (half.changes() === 0) await delay(50)
  t.match(half.source.decide(asked), [{ participant: 'S123', requestedBy: 'half.csv, line 2' }])
})

t.test(
  'a table in the letters of another age is told of, and the last good one stays',
  async (t) => {
    const dir = t.testdir({ 't.csv': `${header}A1,P,S1\n` })
    const file = join(dir, 't.csv')
    await using site = await bench({ requests: [{ table: { file } }] })
    const trouble = async (is: (text: string) => boolean) => {
      while (!is(site.store.meta('trouble:table-1') ?? '')) await delay(50)
      return site.store.meta('trouble:table-1') ?? ''
    }
    const put = (text: string, letters: BufferEncoding) => {
      writeFileSync(`${file}.new`, Buffer.from(`${header}${text}`, letters))
      renameSync(`${file}.new`, file)
    }
    put('A2,P,Bj\u00f8rn\n', 'latin1')
    t.match(await trouble((text) => text !== ''), /not UTF-8/)
    t.match(site.take(study(1)), [{ participant: 'S1' }])
    t.strictSame(site.take(study(2)), [])
    put('A2,P,=cmd|calc\n', 'utf16le')
    t.match(await trouble((text) => !text.includes('UTF-8')), /the header lacks/)
    put('A2,P,S2\nA2,P,S3\n', 'utf8')
    await trouble((text) => text === '')
    t.match(site.later(), [{ type: 'held', reasons: [{ code: 'sources-disagree' }] }])
  },
)
