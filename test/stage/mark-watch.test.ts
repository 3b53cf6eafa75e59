import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { MovingCursor } from '../../src/lib/journal/index.ts'
import { MarkWatch } from '../../src/lib/stage/mark-watch.ts'
import { MarkedInput } from '../../src/lib/stage/marked-input.ts'
import { Pipeline } from '../../src/lib/stage/pipeline.ts'
import { Pulse } from '../../src/lib/stage/pulse.ts'
import { Workers } from '../../src/lib/stage/workers.ts'

const line = '{"type":"test"}\n'

/** A pipeline of which nothing comes back by itself, with everything that watches its marks. */
function watched(t: Test, passesMarks: boolean | undefined, text = 'cat >/dev/null') {
  const workers = new Workers([new Pipeline(text, process.env)])
  t.teardown(() => {
    workers.kill()
  })
  const progress = { cursor: new MovingCursor(), tidiedAt: 0, seq: 0, passesMarks }
  const input = new MarkedInput(workers, progress, () => undefined)
  const pulse = new Pulse()
  const said: string[] = []
  const log = pino({}, { write: (entry: string) => said.push(entry) })
  const watch = (marksEachLine: boolean) =>
    new MarkWatch({
      stage: 'test',
      log,
      progress,
      input,
      pipeline: workers,
      pulse,
      marksEachLine,
    })
  const feed = async () => {
    await input.write({ lines: Buffer.from(line), segment: 's.ndjson', end: line.length })
    await input.mark()
    pulse.moved()
  }
  return { workers, input, pulse, said, watch, feed }
}

t.test('one that passes marks is asked again, ever more seldom, and given up', async (t) => {
  const { workers, input, pulse, said, watch, feed } = watched(t, true)
  await feed()
  const marks = watch(false)
  const asked = async (...moments: readonly number[]) => {
    const outstanding: number[] = []
    for (const ms of moments) {
      t.notOk(marks.look(pulse.movedAt + ms), `not given up after ${String(ms)} ms`)
      outstanding.push(input.outstanding)
      // One that has still to take a mark is not asked: it is busy.
      while (workers.isWriting) await delay(1)
    }
    return outstanding
  }
  t.same(await asked(900, 1100, 1900, 2100, 3900, 4100), [1, 2, 2, 3, 3, 4])
  pulse.moved()
  t.same(await asked(900, 1100), [4, 5], 'with a move, patience begins anew')
  t.same(said, [])
  t.ok(marks.look(pulse.movedAt + 60_100))
  t.match(said, [/"level":40,.*"seconds":60,"msg":"the pipeline stands still/])
})

t.test('one that is not known to pass marks is given up soon, and silently', async (t) => {
  const { input, pulse, said, watch, feed } = watched(t, undefined)
  const marks = watch(false)
  t.notOk(marks.look(pulse.movedAt + 5000), 'nothing was fed')
  await feed()
  t.notOk(marks.look(pulse.movedAt + 900))
  t.ok(marks.look(pulse.movedAt + 1100))
  t.equal(input.outstanding, 1)
  t.same(said, [])
})

t.test('where marks do not come back none is waited for', async (t) => {
  const { pulse, watch, feed } = watched(t, false)
  await feed()
  t.notOk(watch(false).look(pulse.movedAt + 120_000))
})

t.test('a tool that has given up: only a mark that comes back saves the pipeline', async (t) => {
  const { workers, input, watch } = watched(t, true, 'echo why >&4; cat >/dev/null')
  while (!workers.hasSpoken) await delay(5)
  const [lost, saved, ofEachLine] = [watch(false), watch(false), watch(true)]
  t.notOk(lost.look(1000))
  t.equal(input.outstanding, 1, 'it is asked')
  t.notOk(lost.look(1900))
  t.ok(lost.look(2100))
  t.notOk(saved.look(3000))
  input.returned(2)
  t.notOk(saved.look(5000))
  t.notOk(ofEachLine.look(1000))
  t.equal(input.outstanding, 0, 'no mark but those behind the lines')
  t.notOk(ofEachLine.look(9000))
})
