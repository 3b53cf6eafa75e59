import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { ChainLog } from '../../src/lib/control/index.ts'

t.test('the log is put aside by size, and whoever writes goes on', async (t) => {
  const log = await ChainLog.open(t.testdir(), { maxBytes: 1000, kept: 2 })
  t.equal(statSync(log.path).mode & 0o137, 0)
  // A part that has it open all the time, as its stderr.
  const child = spawn('cat', [], { stdio: ['pipe', log.fd, log.fd] })
  let said = 0
  const say = async (lines: number): Promise<void> => {
    const { size } = log
    let text = ''
    for (let line = 0; line < lines; line++) text += `line ${String(said++).padStart(5)}\n`
    child.stdin?.write(text)
    while (log.size < size + text.length) await new Promise(setImmediate)
  }
  await say(50)
  await log.keepSmall()
  t.equal(log.size, 550, 'small enough')
  for (let round = 0; round < 3; round++) {
    await say(100)
    await log.keepSmall()
    t.equal(log.size, 0)
  }
  writeSync(log.fd, 'the chain itself\n')
  await say(1)
  child.stdin?.end()
  await once(child, 'close')
  const [now, one, two] = ['', '.1', '.2'].map((end) => readFileSync(log.path + end, 'utf8'))
  t.equal(now, 'the chain itself\nline   350\n')
  t.match(one, /^line {3}250\n[^]*line {3}349\n$/)
  t.match(two, /^line {3}150\n[^]*line {3}249\n$/)
  t.same(readdirSync(dirname(log.path)).sort(), ['chain.log', 'chain.log.1', 'chain.log.2'])
  log.close()
})
