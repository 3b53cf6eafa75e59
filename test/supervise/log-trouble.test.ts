import { appendFileSync, openSync, statSync, truncateSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LogTrouble } from '../../src/lib/supervise/log-trouble.ts'

const now = '2026-01-01T00:00:00.000Z'

t.test('of a log that grows, is cut, and says one thing often, the last trouble is known', (t) => {
  const path = join(t.testdir({ log: 'error: of the day before\n' }), 'log')
  const fd = openSync(path, 'r')
  t.teardown(() => {
    closeSync(fd)
  })
  const trouble = new LogTrouble(fd, statSync(path).size)
  const said = (text: string): string[] => {
    appendFileSync(path, text)
    trouble.look(statSync(path).size, now)
    return trouble.last.map(({ text, times }) => `${String(times)} ${text}`)
  }
  const line = (level: number, msg: string): string =>
    `${JSON.stringify({ level, time: now, name: 'fiona-scp', pid: 7, msg, port: 1 })}\n`
  t.same(said(line(30, 'listening')), [])
  t.same(said(line(40, 'careful')), ['1 fiona-scp: warning: careful port=1'])
  t.same(said(line(40, 'careful').repeat(2)), ['3 fiona-scp: warning: careful port=1'])
  const whole = line(50, 'bad')
  t.equal(said(whole.slice(0, 20)).length, 1, 'half a line is none yet')
  t.same(said(whole.slice(20)).at(-1), '1 fiona-scp: error: bad port=1')
  t.same(said('Traceback: é\n\n{"no":"log"}\n').slice(-2), ['1 Traceback: é', '1 {"no":"log"}'])
  truncateSync(path, 0)
  t.same(said('new\n').at(-1), '1 new')
  const flood = said(`${'x'.repeat(1000)}\n`.repeat(3000))
  t.ok(flood.length <= 50)
  t.ok(flood.every((one) => one.length < 1100))
  t.end()
})
