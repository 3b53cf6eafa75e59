// What `fiona up` says on stdout: to a program its events, to a person at a terminal words.
import { once } from 'node:events'
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { binDir, freePort, missing } from '../fixtures/peers.ts'
import { withoutSqlite } from '../fixtures/sqlite.ts'
import { RunningChain } from './running-chain.ts'

const index = withoutSqlite === false ? ['index'] : []
const inOrder = [
  ...index,
  'deliver',
  'deidentify',
  'organize',
  'front-door',
  'front-door-organized',
]

t.test('a program reads a JSON object for each event, from start to end', async (t) => {
  const dataDir = join(t.testdir(), 'var')
  const chain = await RunningChain.start({ dataDir })
  t.teardown(() => chain.child.kill('SIGKILL'))
  const [starting] = chain.events()
  t.match(starting, {
    event: 'starting',
    pid: chain.child.pid,
    dataDir,
    config: join(dataDir, 'run', 'fiona.json'),
    ports: { receiver: chain.port },
  })
  t.notOk(Object.hasOwn(starting ?? {}, 'part'), 'the chain itself is no part')
  await killReceiver(chain)
  t.equal(await chain.stop(), 0)
  const events = chain.events()
  t.ok(events.every(({ time }) => new Date(String(time)).toISOString() === time))
  t.match(
    events.filter(({ part }) => part === 'receiver'),
    [
      { event: 'starting' },
      { event: 'started' },
      { event: 'died', code: null, signal: 'SIGKILL', lastError: 'signal SIGKILL' },
      { event: 'restarting', inSeconds: 0.25 },
      { event: 'starting' },
      { event: 'started' },
      { event: 'stopping' },
      { event: 'stopped', code: 0, signal: null },
    ],
  )
  const parts = [...inOrder, 'receiver']
  const first = events.slice(1, parts.length + 1)
  t.same(
    first.map(({ event, part }) => [event, part]),
    parts.map((part) => ['starting', part]),
  )
  const stopped = events.filter(({ event }) => event === 'stopped').map(({ part }) => part)
  t.same(stopped, [...parts.toReversed(), undefined], 'the chain is the last to stop')
  const stopping = events.findIndex(({ event, part }) => event === 'stopping' && part === undefined)
  t.match(events[stopping + 1], { event: 'stopping', part: 'receiver' })
})

t.test('that nobody reads the events any more stops nothing', async (t) => {
  const chain = await RunningChain.start({ dataDir: join(t.testdir(), 'var') })
  t.teardown(() => chain.child.kill('SIGKILL'))
  chain.child.stdout?.destroy()
  await killReceiver(chain)
  t.equal(await chain.stop(), 0)
})

t.test('a person at a terminal reads words', { skip: missing('script') }, async (t) => {
  const dataDir = join(t.testdir(), 'var')
  const port = await freePort()
  // script(1) gives it a terminal of its own.
  const command = `exec ${binDir}/fiona up --data-dir ${dataDir} --port ${String(port)} --log-level warn`
  const script = spawn('script', ['-qefc', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => script.kill('SIGKILL'))
  let said = ''
  script.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  while (!said.includes('De-identified it goes to')) await once(script.stdout, 'data')
  const status = spawnSync(`${binDir}/fiona-ctl`, ['stop', '--data-dir', dataDir])
  t.equal(status.status, 0, status.stderr.toString())
  if (script.exitCode === null) await once(script, 'exit')
  t.equal(script.exitCode, 0)
  t.match(said, new RegExp(`^Send a study to AE title FIONA, port ${String(port)}`))
  t.notMatch(said, /"event"/)
})

/** Resolves when another one serves. */
async function killReceiver(chain: RunningChain): Promise<void> {
  const { stderr } = chain.child
  if (stderr === null) throw new Error('no stderr')
  const starts = (): number =>
    chain.stderr.split(`listening on port ${String(chain.port)}`).length - 1
  // The port answers before that is logged: killed in between, the first would never be counted.
  while (starts() < 1) await once(stderr, 'data')
  const isStart = ({ event, part }: Readonly<Record<string, unknown>>): boolean =>
    event === 'started' && part === 'receiver'
  process.kill(Number(chain.events().find(isStart)?.['pid']), 'SIGKILL')
  while (starts() < 2) await once(stderr, 'data')
}
