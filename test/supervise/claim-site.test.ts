import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { claimSite } from '../../src/lib/supervise/claim-site.ts'

t.test('a second chain on the same directory is refused while the first lives', async (t) => {
  const directory = t.testdir()
  const claim = await claimSite(directory)
  t.equal(claim.isAfterCrash, false)
  await t.rejects(claimSite(directory), { code: 'E_ALREADY_RUNNING', exitCode: 75 })
  await claim[Symbol.asyncDispose]()
  t.notOk(existsSync(join(directory, 'fiona-up.json')))
  const next = await claimSite(directory)
  t.equal(next.isAfterCrash, false)
  await next[Symbol.asyncDispose]()
})

t.test('what a killed chain left behind is no obstacle', async (t) => {
  const directory = t.testdir()
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  await claimSite(directory)
  const path = join(directory, 'fiona-up.json')
  const own = JSON.parse(readFileSync(path, 'utf8')) as { startedAt: string }
  child.kill('SIGKILL')
  await once(child, 'exit')
  writeFileSync(path, JSON.stringify({ pid: child.pid, startedAt: own.startedAt }))
  const claim = await claimSite(directory)
  t.equal(claim.isAfterCrash, true)
})

t.test('another process that got the number of a killed chain is not taken for it', async (t) => {
  const directory = t.testdir()
  writeFileSync(
    join(directory, 'fiona-up.json'),
    JSON.stringify({ pid: process.pid, startedAt: 'some earlier boot 12345' }),
  )
  t.equal((await claimSite(directory)).isAfterCrash, true)
})

t.test('a claim that is no JSON names nobody', async (t) => {
  const directory = t.testdir({ 'fiona-up.json': '\0\0' })
  t.equal((await claimSite(directory)).isAfterCrash, true)
})
