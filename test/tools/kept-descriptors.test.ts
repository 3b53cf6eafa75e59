// Whatever dies by kill -9: the service manager keeps what it listens on, and the next process takes it over.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { appendFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { binDir, freePort, inProject, missing, run } from '../fixtures/peers.ts'
import { journal, until } from './import-site.ts'

const python = '/usr/bin/python3'
const skip = missing('python3')

class Manager {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(t: Test, root: string, command: readonly string[]) {
    const tools = join(root, 'tools')
    mkdirSync(tools)
    copyFileSync(inProject('test/fixtures/systemd-notify.py'), join(tools, 'systemd-notify'))
    chmodSync(join(tools, 'systemd-notify'), 0o755)
    const manager = [
      inProject('test/fixtures/service-manager.py'),
      join(root, 'notify'),
      ...command,
    ]
    this.#process = spawn(python, manager, {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, PATH: `${tools}:${process.env['PATH'] ?? ''}`, TCP_NODELAY: '1' },
    })
    if (this.#process.stdout === null) throw new Error('no stdout')
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
    t.teardown(async () => {
      const exited = once(this.#process, 'exit')
      this.#process.stdin?.end()
      await exited
    })
  }

  /** @returns what it told until then, the last line included */
  async ask(command: string, until: RegExp): Promise<readonly string[]> {
    this.#process.stdin?.write(`${command}\n`)
    const told: string[] = []
    for (;;) {
      const { value, done } = (await this.#lines.next()) as IteratorResult<string, undefined>
      if (done === true) throw new Error(`the manager ended: ${told.join('\n')}`)
      told.push(String(value))
      if (until.test(String(value))) return told
    }
  }
}

function rootOf(t: Test): string {
  const root = mkdtempSync(join(tmpdir(), 'fiona-kept-'))
  t.teardown(() => {
    rmSync(root, { recursive: true, force: true })
  })
  return root
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' })
  return new Promise((resolve) => {
    socket.once('error', () => {
      resolve(true)
    })
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
  })
}

for (const tool of ['fiona-scp', 'fiona-mpps']) {
  t.test(
    `who calls ${tool} while it is dead waits, and is served by the next one`,
    { skip: skip || missing('echoscu') },
    async (t) => {
      const root = rootOf(t)
      const [port, other] = [await freePort(), await freePort()]
      const manager = new Manager(t, root, [
        ...[join(binDir, tool), '--data-dir', join(root, 'data')],
        ...['--aet', 'FIONA', '--journal', 'received', '--port'],
      ])
      const first = await manager.ask(`start ${String(port)}`, /^READY=1/)
      t.ok(first.includes(`kept port-${String(port)}`), 'before it is ready')
      await manager.ask('kill SIGKILL', /^ended$/)

      const echo = run('echoscu', ['-aec', 'FIONA', '127.0.0.1', String(port)], {
        env: { TCP_NODELAY: '1' },
      })
      t.equal(await isRefused(port), false, 'its port is open')
      const second = await manager.ask(`start ${String(port)}`, /^READY=1/)
      t.same(await echo, { code: 0, stdout: '', stderr: '' })
      t.notOk(
        second.some((line) => line.startsWith('kept')),
        'it is in the store',
      )

      await manager.ask('kill SIGTERM', /^ended$/)
      const third = await manager.ask(`start ${String(other)}`, /^READY=1/)
      t.ok(third.includes(`dropped port-${String(port)}`), 'the configuration has another port')
      t.ok(third.includes(`kept port-${String(other)}`))
      t.equal(await isRefused(port), true, 'nobody waits at a port that nobody serves')
    },
  )
}

t.test(
  'what is in the front door when its reader is killed is there for the next one',
  { skip },
  async (t) => {
    const root = rootOf(t)
    const pipe = join(root, 'run/received.pipe')
    const data = join(root, 'data')
    mkdirSync(data)
    const manager = new Manager(t, root, [
      ...[join(binDir, 'fiona-import'), '--data-dir', data],
      ...['--journal', 'received', '--front-door', pipe],
    ])
    const first = await manager.ask('start', /^READY=1/)
    t.ok(first.includes('kept pipe'))
    await manager.ask('kill SIGKILL', /^ended$/)
    const record = {
      ...{ type: 'series', v: 1, SeriesInstanceUID: '2.25.7', StudyInstanceUID: '2.25.5' },
      ...{ path: '/data/x', instances: 1, bytes: 1, reason: 'quiet' },
    }
    await appendFile(pipe, `${JSON.stringify(record)}\n`)
    const second = await manager.ask('start', /^READY=1/)
    t.same(second, ['started', second.at(-1)], 'the store has it already')
    await until(async () => (await journal(root, 'received')).length > 0)
    t.match(await journal(root, 'received'), [record])
  },
)
