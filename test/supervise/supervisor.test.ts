import { chmodSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PartEvent } from '../../src/lib/supervise/part-event.ts'
import { Supervisor } from '../../src/lib/supervise/supervisor.ts'
import { binDir } from '../fixtures/peers.ts'

/** A command that writes what happens to it into a file; `body` runs after it said that it started. */
function command(directory: string, name: string, body: string): void {
  const path = join(directory, name)
  writeFileSync(
    path,
    `#!/bin/sh\nsay() { echo "${name} $*" >> "${directory}/log"; }\nsay started $*\n${body}\n`,
  )
  chmodSync(path, 0o755)
}

function log(directory: string): string[] {
  return readFileSync(join(directory, 'log'), 'utf8').trim().split('\n')
}

const untilStopped = "trap 'say stopped; exit 0' TERM\nwhile :; do sleep 0.05; done"

/** The events, and promises of the next of a kind. */
function recorder() {
  const happened: PartEvent[] = []
  const waiting: { kind: string; times: number; resolve: () => void }[] = []
  const tell = (event: PartEvent): void => {
    happened.push(event)
    for (const each of waiting) if (each.kind === event.event && --each.times === 0) each.resolve()
  }
  const times = (kind: PartEvent['event'], count: number) =>
    new Promise<void>((resolve) => waiting.push({ kind, times: count, resolve }))
  const of = (kind: PartEvent['event']) => happened.filter(({ event }) => event === kind)
  return { tell, happened, of, times }
}

t.test('what dies is started again, after a pause that grows', async (t) => {
  const directory = t.testdir()
  command(directory, 'flaky', 'exit 3')
  const { tell, of, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const planned = times('restarting', 3)
  supervisor.start([{ name: 'one', command: 'flaky', args: ['a b', '--c'] }])
  await planned
  await supervisor.stop()
  t.same(of('died')[0], {
    event: 'died',
    part: 'one',
    code: 3,
    signal: null,
    lastError: 'exit code 3',
  })
  t.same(
    of('restarting').map((each) => each.event === 'restarting' && each.inSeconds),
    [0.25, 0.5, 1],
  )
  t.equal(log(directory)[0], 'flaky started a b --c', 'arguments arrive as they are')
})

t.test('what was well is started again at once', async (t) => {
  const directory = t.testdir()
  command(directory, 'well', 'sleep 0.2; exit 3')
  const { tell, of, times } = recorder()
  const supervisor = new Supervisor({
    ...{ binDir: directory, environment: {}, tell },
    patience: { firstDelayMs: 250, longestDelayMs: 30_000, wellAfterMs: 100 },
  })
  const planned = times('restarting', 2)
  supervisor.start([{ name: 'one', command: 'well', args: [] }])
  await planned
  await supervisor.stop()
  t.same(
    of('restarting').map((each) => each.event === 'restarting' && each.inSeconds),
    [0, 0],
  )
})

t.test('a command that is not there counts as one that died', async (t) => {
  const { tell, happened, times } = recorder()
  const supervisor = new Supervisor({ binDir: t.testdir(), environment: {}, tell })
  const died = times('died', 1)
  supervisor.start([{ name: 'none', command: 'nothing-here', args: [] }])
  await died
  await supervisor.stop()
  t.match(happened.slice(0, 3), [
    { event: 'starting', part: 'none' },
    { event: 'died', part: 'none', code: null, signal: null, lastError: /ENOENT/ },
    { event: 'restarting', part: 'none' },
  ])
  t.match(happened.at(-1), { event: 'stopped', code: null, signal: null })
})

t.test('who gives is stopped before who takes', async (t) => {
  const directory = t.testdir()
  command(directory, 'taker', untilStopped)
  command(directory, 'giver', untilStopped)
  const { tell, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const started = times('started', 2)
  supervisor.start([
    { name: 'takes', command: 'taker', args: [] },
    { name: 'gives', command: 'giver', args: [] },
  ])
  await started
  // "started" is before the script runs: it may have to set its trap yet.
  while (!/taker[^]*giver|giver[^]*taker/.test(logText(directory))) await new Promise(setImmediate)
  await supervisor.stop()
  const stopped = log(directory).filter((line) => line.includes('stopped'))
  t.same(stopped, ['giver stopped', 'taker stopped'])
})

t.test('children get the configuration and find the tools first in PATH', async (t) => {
  const directory = t.testdir()
  command(directory, 'tells', 'say "$FIONA_CONFIG ${PATH%%:*} $FIONA_LIFELINE_FD"\nexit 0')
  const { tell, times } = recorder()
  const supervisor = new Supervisor({
    binDir: directory,
    environment: { FIONA_CONFIG: '/some/where.json' },
    tell,
  })
  const died = times('died', 1)
  supervisor.start([{ name: 'tells', command: 'tells', args: [] }])
  await died
  await supervisor.stop()
  t.ok(log(directory).includes(`tells /some/where.json ${directory} 3`))
})

function logText(directory: string): string {
  try {
    return readFileSync(join(directory, 'log'), 'utf8')
  } catch {
    return ''
  }
}

t.test('what a restart cannot heal is failing at once, with its last words', async (t) => {
  const directory = t.testdir()
  command(directory, 'wrong', 'printf "error: no such key\\nhint: write one\\n" >&3\nexit 78')
  const { tell, happened, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const planned = times('restarting', 1)
  supervisor.start([{ name: 'one', command: 'wrong', args: [] }])
  await planned
  const lastError = 'exit code 78: error: no such key'
  t.match(happened.slice(-3), [
    { event: 'died', code: 78, lastError },
    { event: 'crashLoop', part: 'one', lastError, hint: 'write one' },
    { event: 'restarting', part: 'one', inSeconds: 30 },
  ])
  t.match(supervisor.parts(), [{ state: 'failing', lastError, hint: 'write one' }])
  await supervisor.stop()
})

t.test('why a tool cannot go on is known to who asks', async (t) => {
  const { tell, times } = recorder()
  const none = join(t.testdir(), 'none.yaml')
  const supervisor = new Supervisor({
    binDir,
    environment: { FIONA_CONFIG: none },
    tell,
  })
  const died = times('died', 1)
  supervisor.start([{ name: 'one', command: 'fiona-scp', args: [] }])
  await died
  const [part] = supervisor.parts()
  t.equal(part?.state, 'failing')
  t.match(part?.lastError, /^exit code 78: error: .*none\.yaml/)
  await supervisor.stop()
})

t.test('a part writes where this process does, not to it: it may outlive it', async (t) => {
  const directory = t.testdir()
  command(directory, 'tells', 'say "$(readlink /proc/self/fd/2)"\nexit 0')
  const { tell, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const died = times('died', 1)
  supervisor.start([{ name: 'tells', command: 'tells', args: [] }])
  await died
  await supervisor.stop()
  t.ok(log(directory).includes(`tells ${readlinkSync('/proc/self/fd/2')}`))
})

t.test('a crash loop is told once, at the fifth death within a minute', async (t) => {
  const directory = t.testdir()
  command(directory, 'flaky', 'exit 3')
  const { tell, happened, of, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const planned = times('restarting', 5)
  supervisor.start([{ name: 'one', command: 'flaky', args: [] }])
  await planned
  t.match(of('crashLoop'), [{ part: 'one', lastError: 'exit code 3' }])
  t.equal(of('crashLoop').length, 1)
  t.match(happened.at(-1), { event: 'restarting', inSeconds: 30 })
  await supervisor.stop()
})

t.test('what stays up after a crash loop has recovered, and that is told once', async (t) => {
  const directory = t.testdir()
  const twice = `[ $(grep -c started "${directory}/log") -gt 2 ] || exit 78`
  command(directory, 'mended', `${twice}\n${untilStopped}`)
  const { tell, happened, of, times } = recorder()
  const supervisor = new Supervisor({
    binDir: directory,
    environment: {},
    tell,
    // Longer than a shell on a busy machine needs to end.
    patience: { firstDelayMs: 1, longestDelayMs: 1, wellAfterMs: 2000 },
  })
  const recovered = times('recovered', 1)
  supervisor.start([{ name: 'one', command: 'mended', args: [] }])
  await recovered
  t.match(supervisor.parts(), [{ state: 'running', restarts: 2 }])
  await supervisor.stop()
  t.same(
    happened.map(({ event }) => event),
    [
      ...['starting', 'started', 'died', 'crashLoop', 'restarting'],
      ...['starting', 'started', 'died', 'restarting'],
      ...['starting', 'started', 'recovered', 'stopping', 'stopped'],
    ],
  )
  t.match(of('stopped'), [{ part: 'one', code: 0, signal: null }])
})

t.test('a part that is killed is told of with the signal', async (t) => {
  const directory = t.testdir()
  command(directory, 'killed', 'kill -9 $$')
  const { tell, of, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const died = times('died', 1)
  supervisor.start([{ name: 'one', command: 'killed', args: [] }])
  await died
  await supervisor.stop()
  t.match(of('died')[0], { code: null, signal: 'SIGKILL', lastError: 'signal SIGKILL' })
})

t.test('one part stops and starts while the others go on', async (t) => {
  const directory = t.testdir()
  command(directory, 'a', untilStopped)
  command(directory, 'b', untilStopped)
  const { tell, of, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, tell })
  const started = times('started', 1)
  const parts = ['a', 'b'].map((name) => ({ name, command: name, args: [] }))
  supervisor.start(parts, new Set(['b']))
  await started
  const states = (): string[] => supervisor.parts().map(({ state }) => state)
  t.same(states(), ['running', 'stopped'])
  supervisor.startPart('b')
  t.same(states(), ['running', 'running'])
  await supervisor.stopPart('a')
  t.same(states(), ['stopped', 'running'])
  await supervisor.stopPart('a')
  await supervisor.stop()
  t.same(
    of('stopped').map(({ part }) => part),
    ['a', 'b'],
    'what was stopped before is not stopped again',
  )
})
