// The one screen of `fiona up`, in a real pseudo terminal: what a person sees there, and what is left behind.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { PseudoTerminal, type Window } from '../fixtures/pseudo-terminal.ts'
import { newDataDir } from '../tools/scp.ts'

const terminal = { skip: missing('/usr/bin/python3') }
const usual: Window = { rows: 30, columns: 100 }

async function chain(t: Test, window: Window, env: NodeJS.ProcessEnv = {}) {
  const dataDir = join(newDataDir(t), 'var')
  const port = await freePort()
  const up = ['fiona', 'up', '--data-dir', dataDir, '--port', String(port), '--quiet-seconds', '1']
  const screen = new PseudoTerminal(window, up, env)
  const ctl = (...words: string[]) => run('fiona-ctl', [...words, '--data-dir', dataDir])
  t.teardown(async () => {
    const impatient = setTimeout(() => {
      screen.kill()
    }, 60_000)
    await ctl('stop')
    clearTimeout(impatient)
    screen.kill()
  })
  const pids = async () => {
    const { stdout } = await ctl('status', '--json')
    const { pid, parts } = JSON.parse(stdout) as {
      pid: number
      parts: { name: string; pid?: number }[]
    }
    return { chain: pid, receiver: parts.find(({ name }) => name === 'receiver')?.pid ?? 0 }
  }
  return { dataDir, port, screen, ctl, pids }
}

const isUp = /receiver :\d+ +running/

t.test('a study is seen to come in and to go out', terminal, async (t) => {
  const { screen, dataDir } = await chain(t, usual)
  await screen.until(isUp)
  t.match(screen.rows[0], /^FIONA {2}all is well {2}up \d+ s/)
  t.match(screen.text, /Send a study to AE title FIONA, port \d+/)
  const files = [1, 2, 3].map((instanceNumber) => {
    const path = join(dataDir, `${String(instanceNumber)}.dcm`)
    writeFileSync(path, ctImage({ instanceNumber }))
    return path
  })
  t.equal(
    (await run('fiona-import', [...files, '--data-dir', dataDir, '--journal', 'received'])).code,
    0,
  )
  await screen.until(/received 3 objects[^]*complete 1 studies/)
  await screen.until(/held 1|delivered 1 studies, 3 objects/)
  t.equal(screen.screen.hasCursor && screen.screen.wraps, true, 'between frames it is as usual')
  screen.type('\u0003')
  t.equal(await screen.ended(), 0)
  t.match(screen.text, /^FIONA {2}stopped [^]*receiver :\d+ +stopped/)
  t.notMatch(screen.bytes, /"level"/, 'the log is elsewhere')
  const log = join(dataDir, 'log', 'chain.log')
  t.match(readFileSync(log, 'utf8'), /"name":"fiona-scp".*"level"|"level".*"name":"fiona-scp"/)
  t.equal(statSync(log).mode & 0o777 & ~0o640, 0)
})

t.test('what dies is seen with its restarts, its last error, and the log', terminal, async (t) => {
  const { screen, pids } = await chain(t, usual)
  await screen.until(isUp)
  process.kill((await pids()).receiver, 'SIGKILL')
  await screen.until(/receiver :\d+ +running +\d+ s +1 +signal SIGKILL/)
  await screen.until(/fiona-ctl: warning: a part of the chain ended.*part=receiver/)
})

t.test('every frame fits, whatever the size becomes', terminal, async (t) => {
  const { screen, ctl } = await chain(t, usual)
  await screen.until(isUp)
  for (const window of [
    { rows: 50, columns: 200 },
    { rows: 12, columns: 61 },
    { rows: 5, columns: 20 },
    { rows: 2, columns: 3 },
    usual,
  ]) {
    screen.resize(window)
    await screen.until(() => !screen.screen.isSettling)
    const { frames } = screen.screen
    await screen.until(() => screen.screen.frames > frames + 1)
    t.ok(screen.rows.length <= window.rows)
  }
  await screen.until(isUp)
  t.equal((await ctl('stop')).code, 0)
  t.equal(await screen.ended(), 0)
})

t.test('without colours where none are wanted', terminal, async (t) => {
  const { screen } = await chain(t, usual, { NO_COLOR: '1' })
  await screen.until(isUp)
  t.notMatch(screen.bytes, /\u001b\[[\d;]*m/)
  const coloured = await chain(t, usual)
  await coloured.screen.until(isUp)
  t.match(coloured.screen.bytes, '\u001b[32mrunning')
})

for (const [why, window, env] of [
  ['a dumb terminal', usual, { TERM: 'dumb' }],
  ['few rows', { rows: 12, columns: 100 }, {}],
  ['few columns', { rows: 30, columns: 59 }, {}],
] as const) {
  t.test(`${why}: lines, as ever`, terminal, async (t) => {
    const { screen, dataDir } = await chain(t, window, env)
    await screen.until(() => screen.bytes.includes('listening on port'))
    t.notMatch(screen.bytes, '\u001b')
    t.match(screen.bytes, /^Send a study to AE title FIONA/)
    screen.type('\u0003')
    t.equal(await screen.ended(), 0)
    t.equal(readFileSync(join(dataDir, 'log', 'chain.log'), 'utf8'), '')
  })
}

t.test('whatever ends it, the terminal is as it was', terminal, async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSEGV'] as const) {
    const { screen, pids } = await chain(t, usual)
    await screen.until(isUp)
    process.kill((await pids()).chain, signal)
    const codes = { SIGTERM: 0, SIGINT: 0, SIGKILL: 137, SIGSEGV: 139 }
    t.equal(await screen.ended(), codes[signal], signal)
    t.equal(screen.screen.hasCursor && screen.screen.wraps, true, signal)
    t.equal(screen.screen.cursor.column, 0, signal)
    const below = screen.rows.slice(screen.screen.cursor.row)
    t.ok(
      below.every((row) => row === ''),
      `${signal}: what comes next stands below`,
    )
  }
})

t.test('a terminal that is stopped (Ctrl-S) stops nothing else', terminal, async (t) => {
  const { screen, pids, ctl } = await chain(t, usual)
  await screen.until(isUp)
  screen.type('\u0013')
  const { receiver } = await pids()
  process.kill(receiver, 'SIGKILL')
  while ([0, receiver].includes((await pids()).receiver));
  t.equal((await ctl('stop')).code, 0)
  screen.type('\u0011')
  t.equal(await screen.ended(), 0)
})
