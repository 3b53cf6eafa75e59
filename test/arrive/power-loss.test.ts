// What a power loss does to the log: it ends at any byte, with or without zeros of a block that was never written.
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readLog } from '../../src/lib/arrive/append-log.ts'
import { Clock, arrivalOf, instance, listed, ofType, pass, quietMs } from './objects.ts'

const marks = { deliveredBy: 'marks', atEnd: 'keep' } as const
const newline = 0x0a

/** A log with a decision that nobody has committed, and two open studies, the second begun behind the first mark. */
async function writtenLog(t: Test): Promise<{ content: Buffer; firstMark: number }> {
  const clock = new Clock()
  const directory = t.testdir()
  const arrival = await arrivalOf(clock, { directory, ...marks })
  await arrival.record(instance({ study: 1 }))
  await pass(arrival, clock, quietMs)
  await arrival.record(instance({ study: 2 }))
  await arrival.mark({ type: 'mark', seq: 1 })
  const log = join(directory, 'log')
  const firstMark = readFileSync(log).length
  await arrival.record(instance({ study: 3 }))
  await arrival.mark({ type: 'mark', seq: 2 })
  await arrival.close()
  return { content: readFileSync(log), firstMark }
}

t.test(
  'cut at every byte of its tail, the log tells its whole lines, and how much is broken',
  async (t) => {
    const { content, firstMark } = await writtenLog(t)
    const lines = content.toString().split('\n').slice(0, -1)
    t.ok(lines.length > 5)
    const path = join(t.testdir(), 'log')
    for (let size = firstMark - 1; size <= content.length; size++) {
      const wholeBytes = content.subarray(0, size).lastIndexOf(newline) + 1
      const expected = lines.slice(0, countOf(content.subarray(0, wholeBytes)))
      for (const garbage of ['', '\0\0\0', '\0\n{"step":"obj']) {
        writeFileSync(path, content.subarray(0, size))
        writeFileSync(path, garbage, { flag: 'a' })
        const log = await readLog(path)
        const read: string[] = []
        for await (const line of log.lines) read.push(JSON.stringify(line))
        const broken = size + garbage.length - wholeBytes
        // Thousands of assertions would take longer than what they assert.
        const isRight = read.join('\n') === expected.join('\n') && log.brokenBytes() === broken
        if (!isRight) t.same([read, log.brokenBytes()], [expected, broken], `after ${String(size)}`)
      }
    }
  },
)

t.test('cut at every byte behind the last mark, each object still counts once', async (t) => {
  const { content, firstMark } = await writtenLog(t)
  const directory = t.testdir()
  for (let size = firstMark; size <= content.length; size++) {
    const own = join(directory, String(size))
    mkdirSync(own)
    writeFileSync(join(own, 'log'), content)
    truncateSync(join(own, 'log'), size)
    const clock = new Clock()
    clock.ms += 2 * quietMs
    const arrival = await arrivalOf(clock, { directory: own, ...marks })
    // What stands behind the mark that was committed, the stage feeds again.
    const said = listed(await arrival.record(instance({ study: 3 })))
    said.push(...(await pass(arrival, clock, 2 * quietMs)))
    await arrival.close()
    const counted = ofType('study', said)
      .map((study) => [study['StudyInstanceUID'], study['instances']])
      .sort()
    const expected = ['2.25.1', '2.25.2', '2.25.3'].map((uid) => [uid, 1])
    if (JSON.stringify(counted) !== JSON.stringify(expected)) {
      t.same(counted, expected, `after ${String(size)}`)
    }
  }
})

function countOf(lines: Buffer): number {
  return lines.filter((byte) => byte === newline).length
}
