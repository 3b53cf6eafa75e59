import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { partsIn } from '../fixtures/incoming.ts'
import { missing, run } from '../fixtures/peers.ts'
import { filesBelow, makeObjects, sendFolders } from './objects.ts'
import { RunningChain } from './running-chain.ts'
import { processIds } from '../../src/lib/process/index.ts'

const skip = missing('dcmsend')

t.test('kill -9 in the middle of 1,000 objects loses nothing', { skip }, async (t) => {
  const root = t.testdir()
  const dataDir = join(root, 'var')
  const objects = makeObjects(join(root, 'in'), 4, 250)
  const first = await RunningChain.start({ dataDir })
  const sending = sendFolders(join(root, 'in'), first.port).catch((error: unknown) => error)
  await first.until('received', (records) => records.length > 200)
  await first.kill()
  t.ok((await sending) instanceof Error)
  const before = (await first.records('received')).length
  t.ok(before < 1000, `killed after ${String(before)}`)

  // At once, on the same directory and port: what the killed one left running is no obstacle.
  const second = await RunningChain.start({ dataDir, port: first.port })
  t.teardown(() => second.stop())
  await sendFolders(join(root, 'in'), second.port)
  const received = await second.records('received')
  const uids = new Set(received.map((record) => record['SOPInstanceUID']))
  t.equal(uids.size, 1000)
  for (const { SOPInstanceUID } of objects) if (!uids.has(SOPInstanceUID)) t.fail(SOPInstanceUID)

  await second.until('organized', (records) => {
    const last = new Map(
      records
        .filter(({ type }) => type === 'study')
        .map((study) => [study['StudyInstanceUID'], study['instances']]),
    )
    return last.size === 4 && [...last.values()].every((instances) => instances === 250)
  })
  await second.until('sent', () => {
    try {
      return filesBelow(join(dataDir, 'delivered')).length === 1000
    } catch {
      return false
    }
  })
  t.equal(await second.stop(), 0)
  t.equal(filesBelow(join(dataDir, 'default', 'archive')).length, 1000)
  t.same(partsIn(dataDir), [], 'nothing half-received is left')
  t.same(await second.records('errors'), [])
})

t.test('a second chain on a directory in use is refused, and harms nothing', async (t) => {
  const dataDir = join(t.testdir(), 'var')
  const chain = await RunningChain.start({ dataDir })
  t.teardown(() => chain.stop())
  const { code, stderr } = await run('fiona', ['up', '--data-dir', dataDir, '--port', '0'])
  t.equal(code, 75)
  t.match(
    stderr,
    /^error: a chain on this data directory is already running: process \d+.*\nhint: /,
  )
  const other = await run('fiona', [
    'up',
    '--data-dir',
    join(dataDir, 'other'),
    '--port',
    String(chain.port),
  ])
  t.equal(other.code, 69)
  t.match(other.stderr, /^error: port \d+ is in use\nhint: /)
  t.equal(await chain.stop(), 0)
})

t.test('killed, a chain leaves no process behind', async (t) => {
  const dataDir = join(t.testdir(), 'var')
  const chain = await RunningChain.start({ dataDir })
  await chain.kill()
  const until = performance.now() + 60_000
  while (processesOn(dataDir).length > 0) {
    if (performance.now() > until) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  t.same(processesOn(dataDir), [])
})

/** Command lines of the processes whose environment names this data directory's configuration. */
function processesOn(dataDir: string): string[] {
  return processIds().flatMap((pid) => {
    try {
      const environment = readFileSync(`/proc/${String(pid)}/environ`, 'utf8')
      if (!environment.includes(join(dataDir, 'run', 'fiona.json'))) return []
      return [readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ')]
    } catch {
      return []
    }
  })
}
