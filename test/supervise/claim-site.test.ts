import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { tsx } from '../fixtures/program.ts'
import { claimSite } from '../../src/lib/supervise/claim-site.ts'

t.test('a second chain on the same directory is refused while the first lives', async (t) => {
  const directory = t.testdir()
  const claim = await claimSite(directory)
  t.equal(claim.isAfterCrash, false)
  await t.rejects(claimSite(directory), {
    code: 'E_LEASE_HELD',
    exitCode: 75,
    hint: /--data-dir/,
  })
  await claim[Symbol.asyncDispose]()
  const next = await claimSite(directory)
  t.equal(next.isAfterCrash, false)
  await next[Symbol.asyncDispose]()
})

t.test('what a killed chain left behind is no obstacle, and is known', async (t) => {
  const directory = t.testdir()
  const script = `
    const { claimSite } = await import(${JSON.stringify(claimSiteUrl)})
    await claimSite(${JSON.stringify(directory)})
    console.log('claimed')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, [`--import=${tsx}`, '--input-type=module', '-e', script])
  await once(child.stdout, 'data')
  await t.rejects(claimSite(directory), { code: 'E_LEASE_HELD' })
  child.kill('SIGKILL')
  await once(child, 'exit')
  const claim = await claimSite(directory)
  t.equal(claim.isAfterCrash, true)
  await claim[Symbol.asyncDispose]()
})

const claimSiteUrl = new URL('../../src/lib/supervise/claim-site.ts', import.meta.url).href
