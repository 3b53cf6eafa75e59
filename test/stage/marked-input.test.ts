import t from 'tap'
import { MovingCursor, type JournalChunk } from '../../src/lib/journal/index.ts'
import { MarkedInput } from '../../src/lib/stage/marked-input.ts'
import { Pipeline } from '../../src/lib/stage/pipeline.ts'
import { Workers } from '../../src/lib/stage/workers.ts'

const line = '{"type":"test"}\n'
const chunk = (lines: number): JournalChunk => ({
  lines: Buffer.from(line.repeat(lines)),
  segment: 's.ndjson',
  end: lines * line.length,
})

/** @param now monotonic, ms */
function newInput(now: () => number) {
  const workers = new Workers([new Pipeline('cat >/dev/null', process.env)])
  const progress = { cursor: new MovingCursor(), tidiedAt: 0, seq: 0, passesMarks: true }
  return { workers, input: new MarkedInput(workers, progress, () => undefined, now) }
}

t.test('a lone record gets its mark at once; in a stream, marks stand apart', async (t) => {
  let now = 1000
  const { workers, input } = newInput(() => now)
  const put = (lines: number) => {
    void input.write(chunk(lines))
    input.wantMark()
    return input.markIfWanted()
  }
  t.equal(put(1), undefined)
  t.equal(input.outstanding, 1)
  now += 5
  t.equal(put(1), 95, 'the next one is due 100 ms behind the first')
  t.equal(input.outstanding, 1)
  now += 95
  t.equal(input.markIfWanted(), undefined)
  t.equal(input.outstanding, 2)
  t.notOk(input.wantsMark)
  t.equal(put(2499), 100)
  t.equal(put(1), undefined, 'so much in flight that it is to be vouched for')
  t.equal(input.outstanding, 3)
  now += 1000
  t.equal(put(1), undefined)
  t.equal(put(5000), undefined)
  t.equal(input.outstanding, 4, 'no more than four are on their way')
  t.ok(input.wantsMark)
  t.match(input.returned(2), { seq: 2, lines: 2 })
  t.equal(input.outstanding, 2)
  t.equal(input.markIfWanted(), undefined)
  t.equal(input.outstanding, 3)
  workers.end()
  t.match(await workers.ended, { isClean: true })
})

t.test('the longer marks take to come back, the further apart they stand', async (t) => {
  let now = 1000
  const { workers, input } = newInput(() => now)
  const put = () => {
    void input.write(chunk(1))
    input.wantMark()
    return input.markIfWanted()
  }
  put()
  now += 40
  t.match(input.returned(1), { seq: 1, lines: 1 })
  t.equal(put(), 80, 'thrice the 40 ms of the first, behind it')
  now += 80
  t.equal(input.markIfWanted(), undefined)
  now += 5000
  t.match(input.returned(2), { seq: 2, lines: 2 })
  t.equal(put(), undefined)
  now += 1
  t.equal(put(), 249, 'there is a limit: what comes out waits for a mark')
  t.equal(input.returned(2), undefined, 'once')
  workers.kill()
})
