import { chmodSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { Supervisor, type SupervisorEvents } from '../../src/lib/supervise/supervisor.ts'

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
  const happened: string[] = []
  const waiting: { kind: string; times: number; resolve: () => void }[] = []
  const note = (kind: string, text: string): void => {
    happened.push(`${kind} ${text}`)
    for (const each of waiting) if (each.kind === kind && --each.times === 0) each.resolve()
  }
  const events: SupervisorEvents = {
    started: (name) => {
      note('started', name)
    },
    died: (name, how, restartInMs) => {
      note('died', `${name} ${how} ${String(restartInMs)}`)
    },
    stopped: (name) => {
      note('stopped', name)
    },
  }
  const times = (kind: string, count: number) =>
    new Promise<void>((resolve) => waiting.push({ kind, times: count, resolve }))
  return { events, happened, times }
}

t.test('what dies is started again, after a pause that grows', async (t) => {
  const directory = t.testdir()
  command(directory, 'flaky', 'exit 3')
  const { events, happened, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, events })
  const died = times('died', 3)
  supervisor.start([{ name: 'one', command: 'flaky', args: ['a b', '--c'] }])
  await died
  await supervisor.stop()
  t.match(
    happened.filter((each) => each.startsWith('died')),
    ['died one exit code 3 250', 'died one exit code 3 500', 'died one exit code 3 1000'],
  )
  t.equal(log(directory)[0], 'flaky started a b --c', 'arguments arrive as they are')
})

t.test('a command that is not there counts as one that died', async (t) => {
  const { events, happened, times } = recorder()
  const supervisor = new Supervisor({ binDir: t.testdir(), environment: {}, events })
  const died = times('died', 1)
  supervisor.start([{ name: 'none', command: 'nothing-here', args: [] }])
  await died
  await supervisor.stop()
  t.match(happened[0], /^died none .*ENOENT/)
})

t.test('who gives is stopped before who takes', async (t) => {
  const directory = t.testdir()
  command(directory, 'taker', untilStopped)
  command(directory, 'giver', untilStopped)
  const { events, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, events })
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
  const { events, times } = recorder()
  const supervisor = new Supervisor({
    binDir: directory,
    environment: { FIONA_CONFIG: '/some/where.json' },
    events,
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
  command(directory, 'wrong', 'echo "error: no such key" >&3\nexit 78')
  const { events, happened, times } = recorder()
  const failing: string[] = []
  const supervisor = new Supervisor({
    binDir: directory,
    environment: {},
    events: { ...events, failing: (...said) => failing.push(said.join(' ')) },
  })
  const died = times('died', 1)
  supervisor.start([{ name: 'one', command: 'wrong', args: [] }])
  await died
  t.same(failing, ['one exit code 78 error: no such key'])
  t.match(happened.at(-1), /30000$/, 'tried on at the longest pause')
  t.match(supervisor.parts(), [{ state: 'failing', lastError: 'exit code 78: error: no such key' }])
  await supervisor.stop()
})

t.test('why a tool cannot go on is known to who asks', async (t) => {
  const { events, times } = recorder()
  const none = join(t.testdir(), 'none.yaml')
  const supervisor = new Supervisor({
    binDir: resolve('bin'),
    environment: { FIONA_CONFIG: none },
    events,
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
  const { events, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, events })
  const died = times('died', 1)
  supervisor.start([{ name: 'tells', command: 'tells', args: [] }])
  await died
  await supervisor.stop()
  t.ok(log(directory).includes(`tells ${readlinkSync('/proc/self/fd/2')}`))
})

t.test('a crash loop is told once, at the fifth death within a minute', async (t) => {
  const directory = t.testdir()
  command(directory, 'flaky', 'exit 3')
  const { events, happened, times } = recorder()
  const failing: string[] = []
  const supervisor = new Supervisor({
    binDir: directory,
    environment: {},
    events: { ...events, failing: (name) => failing.push(name) },
  })
  const died = times('died', 5)
  supervisor.start([{ name: 'one', command: 'flaky', args: [] }])
  await died
  t.same(failing, ['one'])
  t.match(happened.at(-1), /30000$/)
  await supervisor.stop()
})

t.test('one part stops and starts while the others go on', async (t) => {
  const directory = t.testdir()
  command(directory, 'a', untilStopped)
  command(directory, 'b', untilStopped)
  const { events, times } = recorder()
  const supervisor = new Supervisor({ binDir: directory, environment: {}, events })
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
  await supervisor.stop()
})
