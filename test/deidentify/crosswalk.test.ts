import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Crosswalk, type Link } from '../../src/lib/deidentify/crosswalk.ts'
import { limitFileSize } from '../fixtures/file-size-limit.ts'

const participant = (PatientID: string): Link => ({
  kind: 'participant',
  project: 'p',
  participant: `of-${PatientID}`,
  PatientID,
})

t.test('after a write that failed in the middle of a line, every link is kept', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'fiona-crosswalk-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  const path = join(directory, 'crosswalk.ndjson')
  const crosswalk = await Crosswalk.open(path)
  await crosswalk.note([participant('before')])
  const { size } = statSync(path)
  for (const more of [0, 1, 40]) {
    limitFileSize(statSync(path).size + more)
    try {
      await t.rejects(crosswalk.note([participant('torn')]), { code: 'EFBIG' })
    } finally {
      limitFileSize('unlimited')
    }
  }
  t.ok(statSync(path).size > size, 'a part of the line was written')
  await crosswalk.note([participant('torn')])
  await crosswalk.note([participant('after')])
  await crosswalk.close()
  const linked = readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [(JSON.parse(line) as Extract<Link, { kind: 'participant' }>).PatientID]
      } catch {
        return []
      }
    })
  t.same(linked, ['before', 'torn', 'after'])
})
