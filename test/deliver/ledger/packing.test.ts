// When a delivery has ended its ledger is packed: smaller, and as true as before at every moment.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { tsx } from '../../fixtures/program.ts'
import { DiskLedgers } from '../../../src/lib/deliver/ledger/disk-ledgers.ts'
import { folderOf } from '../../../src/lib/deliver/ledger/ledger-file.ts'
import type { FaultPoint } from '../../../src/lib/fault/index.ts'
import { filesBelow } from '../sending.ts'
import { temporary } from '../studies.ts'
import { endOf, entry } from './ledger-entries.ts'

const names = (directory: string): string[] => readdirSync(join(directory, folderOf('u'))).sort()
const many = Array.from({ length: 60 }, (_, number) => `n${String(number)}`)

async function deliver(ledgers: DiskLedgers, objects: readonly string[]): Promise<void> {
  const ledger = await ledgers.open('u', 'r')
  for (const name of objects) ledger.add(entry(name))
  await ledger.sync()
  await ledger.close()
}

t.test('packed, a ledger says the same, takes new lines and is packed again', async (t) => {
  const directory = temporary()
  const ledgers = new DiskLedgers(directory)
  await deliver(ledgers, many)
  const ledger = await ledgers.open('u', 'r')
  for (const name of many) ledger.commit(name, '2026-01-02T03:04:07.000Z')
  ledger.withdraw('n7')
  ledger.refuse('n8', { code: 'E_REFUSED', message: 'full' }, '1')
  await ledger.close()
  const before = await ledgers.known('u', 'r')
  const size = statSync(join(directory, folderOf('u'), 'r.ndjson')).size
  await ledgers.ended(endOf('r'))
  t.same(names(directory), ['r.ndjson.gz'])
  t.ok(statSync(join(directory, folderOf('u'), 'r.ndjson.gz')).size * 5 < size)
  const after = await ledgers.known('u', 'r')
  t.same([...after.delivered.values()], [...before.delivered.values()])
  t.same(after.refused, before.refused)
  t.match(after.ended, { requestId: 'r', status: 'sent' })
  t.same(filesBelow(join(directory, 'packing')), [])

  await deliver(ledgers, ['n7', 'later'])
  t.same(names(directory), ['r.ndjson', 'r.ndjson.gz'])
  await ledgers.ended(endOf('r'))
  const both = await ledgers.known('u', 'r')
  t.equal(both.delivered.size, 61)
  await deliver(ledgers, many)
  await ledgers.ended(endOf('r'))
  t.same(names(directory), ['r.ndjson.gz'])
  t.equal((await ledgers.known('u', 'r')).delivered.size, 61)
  const found = await ledgers.knownOf('2.25.2')
  t.match(found, [{ folder: folderOf('u'), requestId: 'r', known: { ended: { revision: 1 } } }])
})

t.test('few lines stay readable as they are', async (t) => {
  const directory = temporary()
  const ledgers = new DiskLedgers(directory)
  await deliver(ledgers, ['x', 'y'])
  await ledgers.ended(endOf('r'))
  t.same(names(directory), ['r.ndjson'])
  t.match(readFileSync(join(directory, folderOf('u'), 'r.ndjson'), 'utf8'), /\n\{"ended":.*\n$/)
})

t.test('who writes while another packs loses nothing', async (t) => {
  const directory = temporary()
  const [one, other] = [new DiskLedgers(directory), new DiskLedgers(directory)]
  await deliver(one, many)
  const open = await other.open('u', 'r')
  open.add(entry('before'))
  await one.ended(endOf('r'))
  open.add(entry('after'))
  await open.close()
  const { delivered } = await one.known('u', 'r')
  for (const name of [...many, 'before', 'after']) t.ok(delivered.has(name), name)
})

t.test('what is damaged is told, and where', async (t) => {
  const directory = temporary()
  const ledgers = new DiskLedgers(directory)
  await deliver(ledgers, many)
  await ledgers.ended(endOf('r'))
  const path = join(directory, folderOf('u'), 'r.ndjson.gz')
  writeFileSync(path, readFileSync(path).subarray(0, 100))
  await t.rejects(ledgers.open('u', 'r'), { code: 'E_LEDGER', message: /r\.ndjson\.gz/ })
})

const script = new URL('pack-a-ledger.ts', import.meta.url).pathname
const points = [
  'ledger.ended',
  'atomic.written',
  'atomic.renamed',
  'ledger.packed',
  'ledger.lines-removed',
] satisfies FaultPoint[]

t.test('killed at any point of packing: what was noted is known, and nothing more', async (t) => {
  const directory = temporary()
  let count = 0
  for (const point of points) {
    // Each of them finds what the one before has left.
    const args = ['--import', tsx, script, directory, String(count), String(count + 30)]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, FIONA_FAULT_POINT: point },
    })
    const [noted] = await Promise.all([text(child.stdout), once(child, 'exit')])
    t.equal(child.signalCode, 'SIGKILL', point)
    t.equal(noted.split('\n').length - 1, 30)
    count += 30
    const { delivered, ended } = await new DiskLedgers(directory).known('u', 'r')
    t.equal(delivered.size, count, point)
    for (let number = 0; number < count; number++) t.ok(delivered.has(`n${String(number)}`))
    t.match(ended, { status: 'sent' }, point)
  }
  const ledgers = new DiskLedgers(directory)
  await deliver(ledgers, many)
  await ledgers.ended(endOf('r'))
  t.same(names(directory), ['r.ndjson.gz'])
  t.same(filesBelow(join(directory, 'packing')), [], 'what the dead were writing is gone')
  const packed = readFileSync(join(directory, folderOf('u'), 'r.ndjson.gz'))
  t.equal(gunzipSync(packed).toString().split('\n').length - 1, count + 1, 'a line for each')
})
