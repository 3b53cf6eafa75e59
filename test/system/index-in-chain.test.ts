import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { hidesSqlite, withoutSqlite } from '../fixtures/sqlite.ts'
import { binDir, missing, run } from '../fixtures/peers.ts'
import { makeObjects, sendFolders } from './objects.ts'
import { RunningChain } from './running-chain.ts'

const skip = missing('dcmsend')
type Row = Record<string, unknown>

async function ask(dataDir: string, ...words: string[]) {
  const done = await run(`${binDir}/fiona-ls`, [...words, '--data-dir', dataDir], {
    env: { FIONA_CONFIG: '' },
  })
  const lines = done.stdout.split('\n').filter((line) => line !== '')
  return { ...done, rows: lines.map((line) => JSON.parse(line) as Row) }
}

async function ctl(dataDir: string, word: string, env: NodeJS.ProcessEnv = {}) {
  const config = { FIONA_CONFIG: join(dataDir, 'run/fiona.json') }
  const done = await run(`${binDir}/fiona-ctl`, [word, '--json'], { env: { ...config, ...env } })
  return {
    ...done,
    lines: done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row),
  }
}

const partOf = (status: Row | undefined, name: string) =>
  (status?.['parts'] as Row[]).find((part) => part['name'] === name)

t.test(
  'fiona up keeps the index; killed or removed, it is there again, and nobody else notices',
  { skip: skip || withoutSqlite },
  async (t) => {
    const root = t.testdir()
    const dataDir = join(root, 'var')
    const chain = await RunningChain.start({ dataDir })
    t.teardown(() => chain.stop())
    makeObjects(join(root, 'in'), 2, 30)
    await sendFolders(join(root, 'in'), chain.port)
    await chain.until('sent', (records) => records.length === 2)

    const upToDate = async () => {
      for (;;) {
        const asked = await ask(dataDir, 'studies')
        if (asked.stderr === '') return asked.rows
        await delay(100)
      }
    }
    const complete = [
      { instances: 30, series: 1, state: 'complete' },
      { instances: 30, series: 1, state: 'complete' },
    ]
    t.match(await upToDate(), complete)
    const { rows } = await ask(dataDir, 'deliveries', '--since', 'today', '--type', 'delivered')
    t.match(rows, [
      { state: 'delivered', instances: 30, destinations: 'delivered' },
      { state: 'delivered', instances: 30, destinations: 'delivered' },
    ])
    const before = (await ctl(dataDir, 'status')).lines[0]
    t.match(before, { ok: true })

    process.kill(Number(partOf(before, 'index')?.['pid']), 'SIGKILL')
    rmSync(join(dataDir, 'index'), { recursive: true })
    makeObjects(join(root, 'more'), 3, 30)
    for (const known of ['a0', 'a1']) rmSync(join(root, 'more', known), { recursive: true })
    await sendFolders(join(root, 'more'), chain.port)
    await chain.until('sent', (records) => records.length === 3)
    t.match(await upToDate(), [...complete, complete[0]])
    const died = chain.events().filter(({ event }) => event === 'died')
    t.strictSame([...new Set(died.map(({ part }) => part))], ['index'])
    t.equal(await chain.stop(), 0)
  },
)

t.test(
  'where SQLite cannot be loaded the chain runs without the index, and says so in a sentence',
  { skip },
  async (t) => {
    const root = t.testdir()
    const dataDir = join(root, 'var')
    const before = process.env['NODE_OPTIONS']
    process.env['NODE_OPTIONS'] = hidesSqlite
    t.teardown(() => {
      process.env['NODE_OPTIONS'] = before
    })
    const chain = await RunningChain.start({ dataDir })
    t.teardown(() => chain.stop())
    makeObjects(join(root, 'in'), 1, 5)
    await sendFolders(join(root, 'in'), chain.port)
    await chain.until('sent', (records) => records.length === 1)

    const status = await ctl(dataDir, 'status')
    t.equal(status.code, 0, 'it is no trouble')
    t.match(partOf(status.lines[0], 'index'), {
      state: 'closed',
      reason: /^SQLite cannot be loaded: .*; nothing but fiona ls misses it/,
    })
    const { lines } = await ctl(dataDir, 'check')
    const found = lines.filter(({ what }) => what === 'index')
    t.match(found, [{ level: 'warning', message: /there is no index/, hint: /npm rebuild/ }])
    t.match(await ask(dataDir, 'studies'), { code: 69, stderr: /SQLite[^]*hint: .*npm rebuild/ })
    t.notOk(
      chain.events().some(({ part }) => part === 'index'),
      'it was never started',
    )
    t.equal(await chain.stop(), 0)
  },
)
