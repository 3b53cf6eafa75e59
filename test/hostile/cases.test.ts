// More than a thousand hostile connections, one after the other, into one receiver: it must answer each as
// it should, and serve whoever comes next as if nothing had been.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { commandValue, type Reply, goodEcho, goodStore, statusOf } from '../fixtures/odd-client.ts'
import { residentBytes } from '../fixtures/process-memory.ts'
import { Scp } from '../tools/scp.ts'
import { hostileCases, objectOf } from './cases/index.ts'
import { runCase } from './run-case.ts'

const mostResidentBytes = 300e6

t.test('the cases are many, and each has a name of its own', async (t) => {
  const names = hostileCases().map(({ name }) => name)
  t.ok(names.length >= 614, String(names.length))
  t.same(
    names.filter((name, n) => names.indexOf(name) !== n),
    [],
  )
})

t.test('each case is answered as it should be, and the next client is served', async (t) => {
  const scp = await Scp.start(t)
  const wrong: unknown[] = []
  let successes = 0
  for (const [number, { name, writes, expect }] of hostileCases().entries()) {
    const { words, replies } = await runCase(scp.port, writes)
    if (expect !== 'any' && words !== expect) wrong.push({ name, expect, got: words })
    successes += replies.filter((reply) => isStoreResponse(reply) && statusOf(reply) === 0).length
    if (number % 50 === 0) {
      const status = await goodStore(scp.port, objectOf(1000 + number))
      if (status !== 0) wrong.push({ name, store: status })
      else successes++
    } else {
      const status = await goodEcho(scp.port)
      if (status !== 0) wrong.push({ name, echo: status })
    }
    await scp.tidy()
  }
  t.same(wrong, [])
  t.equal(scp.child.exitCode, null)
  // Whatever was answered with success is there, whole, and nothing else is.
  const records = await scp.recorded(successes)
  t.equal(records.length, successes)
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  t.same(
    records.filter(({ path, sha256 }) => digest(path) !== sha256),
    [],
  )
  t.ok(
    residentBytes(scp.child.pid, 'peak') < mostResidentBytes,
    `${String(residentBytes(scp.child.pid, 'peak') / 1e6)} MB at most`,
  )
  t.equal(await scp.end('SIGTERM'), 0)
})

function isStoreResponse(reply: Reply): boolean {
  const field = reply === 'closed' ? undefined : commandValue(reply.body, 0x0100)
  return field?.readUInt16LE(0) === 0x8001
}
