import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Lease } from '../../src/lib/journal/index.ts'
import { livenessOf, ownIdentity } from '../../src/lib/storage/process-identity.ts'
import { programArgs } from '../fixtures/program.ts'

const fixture = programArgs('test/journal/fixtures/hold-lease.ts')

function holder(path: string, waitMs = 0): ChildProcess {
  return spawn(process.execPath, [...fixture, path, String(waitMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}
async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
  return chunk.toString().trim()
}
const tick = () => new Promise((resolve) => setImmediate(resolve))
async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

t.test('a second one is refused while the first lives, with its pid', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const child = holder(path)
  await firstLine(child)
  await t.rejects(Lease.acquire(path, { what: 'stage x', waitMs: 0 }), {
    code: 'E_LEASE_HELD',
    exitCode: 75,
    message: new RegExp(`stage x is already running: process ${child.pid} `),
  })
  await kill(child)
})

t.test('kill -9 frees it at once, and the successor learns who was before', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const child = holder(path)
  const [token] = (await firstLine(child)).split(' ')
  await kill(child)
  const lease = await Lease.acquire(path, { what: 'x', waitMs: 0 })
  t.same(lease.predecessors, [token])
  lease.assertHeld()
  await lease.release()
})

t.test('what a predecessor left is known until it is forgotten', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const tokens: string[] = []
  for (let round = 0; round < 3; round++) {
    const child = holder(path)
    const [token = '', predecessors = ''] = (await firstLine(child)).split(' ')
    t.equal(predecessors, tokens.join(','))
    tokens.push(token)
    await kill(child)
  }
  const lease = await Lease.acquire(path, { what: 'x', waitMs: 0 })
  t.same(lease.predecessors, tokens)
  await lease.forgetPredecessors()
  t.equal(readdirSync(join(path, '..')).length, 1)
  await lease.release()
  const next = await Lease.acquire(path, { what: 'x', waitMs: 0 })
  t.same(next.predecessors, [], 'one that released it has left nothing')
  await next.release()
})

t.test('waiting ends when the holder releases', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const child = holder(path)
  await firstLine(child)
  const told: string[] = []
  const waiting = Lease.acquire(path, {
    what: 'x',
    waitMs: 60_000,
    onWait: (who) => {
      told.push(who)
      child.stdin?.end()
    },
  })
  const lease = await waiting
  t.equal(told.length, 1)
  await lease.release()
})

t.test('of several that come when the holder dies, one gets it', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const first = holder(path)
  await firstLine(first)
  await kill(first)
  const children = Array.from({ length: 4 }, () => holder(path))
  const answers = await Promise.all(children.map(firstLine))
  t.equal(answers.filter((answer) => answer === 'E_LEASE_HELD').length, 3, answers.join('; '))
  await Promise.all(
    children.map((child) => (child.exitCode === null ? kill(child) : Promise.resolve())),
  )
})

t.test('a hundred claims of one process at the same time: one holder', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, () => Lease.acquire(path, { what: 'x', waitMs: 0 })),
  )
  const held = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  t.equal(held.length, 1)
  await held[0]?.release()
})

t.test('one that was taken over notices', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const lease = await Lease.acquire(path, { what: 'stage x', waitMs: 0 })
  writeFileSync(`${path}-2`, '{}')
  t.throws(() => lease.assertHeld(), { code: 'E_LEASE_LOST', exitCode: 75 })
  await lease.release()
  t.notMatch(readFileSync(`${path}-1`, 'utf8'), 'released', 'and leaves the other one alone')
})

t.test('a holder that cannot be looked at counts as living while it may', async (t) => {
  const path = join(t.testdir(), 'x.lease')
  const elsewhere = { ...ownIdentity(), host: 'other', boot: 'other' }
  writeFileSync(`${path}-1`, JSON.stringify({ token: 'a', ...elsewhere }))
  utimesSync(`${path}-1`, 0, 0)
  await t.rejects(Lease.acquire(path, { what: 'x', waitMs: 200 }), { code: 'E_LEASE_HELD' })
})

t.test('a pid alone says nothing: another start, boot or namespace is another process', (t) => {
  const own = ownIdentity()
  t.equal(livenessOf(own), 'alive')
  t.equal(livenessOf({ ...own, start: '1' }), 'dead')
  t.equal(livenessOf({ ...own, boot: 'an earlier one' }), 'dead')
  t.equal(livenessOf({ ...own, namespace: 'pid:[1]' }), 'unknown')
  t.equal(livenessOf({ ...own, host: 'h', boot: 'b' }), 'unknown')
  t.end()
})

t.test('a killed process whose parent has not taken notice yet is dead', async (t) => {
  // bash starts a child and then becomes a process that never waits for it.
  const parent = spawn('bash', ['-c', 'sleep 100 & echo $!; exec sleep 100'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const pid = Number(await firstLine(parent))
  while (readFileSync(`/proc/${parent.pid}/comm`, 'latin1') !== 'sleep\n') await tick()
  const stat = () => readFileSync(`/proc/${pid}/stat`, 'latin1')
  const start =
    stat()
      .slice(stat().lastIndexOf(')') + 2)
      .split(' ')[19] ?? ''
  t.equal(livenessOf({ ...ownIdentity(), pid, start }), 'alive')
  process.kill(pid, 'SIGKILL')
  while (!/\) Z /.test(stat())) await tick()
  t.equal(livenessOf({ ...ownIdentity(), pid, start }), 'dead')
  await kill(parent)
})
