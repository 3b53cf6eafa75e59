import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isAskedAt } from '../../src/lib/commitment/index.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { Scp, newDataDir } from './scp.ts'

const dcmtk = { skip: missing('echoscu') }

async function site(t: Test) {
  const dataDir = newDataDir(t)
  const port = await freePort()
  const path = join(dataDir, 'fiona.json')
  writeFileSync(path, JSON.stringify({ projects: { ABCD: { receiver: { port } }, EFGH: {} } }))
  return { dataDir, port, path }
}

const echo = async (port: number): Promise<number | null> =>
  (await run('echoscu', ['127.0.0.1', String(port)])).code

t.test(
  'the door of a project opens without the common one, and the other way',
  dcmtk,
  async (t) => {
    const { dataDir, port, path } = await site(t)
    const common = await Scp.start(t, { dataDir, args: ['--config', path, '--door', 'default'] })
    t.not(await echo(port), 0, 'the project has no open door')
    const args = ['--config', path, '--door', 'ABCD', '--data-dir', dataDir]
    const own = await Scp.start(t, { dataDir, args })
    await own.logged(`listening on port ${String(port)} for project ABCD`)
    t.equal(await echo(port), 0)
    t.equal(await echo(common.port), 0)
    t.equal(await own.end('SIGTERM'), 0)
    t.equal(await echo(common.port), 0, 'one door closes alone')
  },
)

t.test('a door that is not configured is a mistake, and says which there are', async (t) => {
  const { path } = await site(t)
  const { code, stderr } = await run('fiona-scp', ['--config', path, '--door', 'EFGH'])
  t.equal(code, 78)
  t.match(stderr, /no door "EFGH"\nhint: there are: default, ABCD; /)
})

t.test('a waiting request for commitment has one process that reports it', (t) => {
  const config = { projects: { ABCD: { receiver: { port: 1 }, destinations: [] } } }
  const requester = { callingAET: 'A', calledAET: 'B', address: '::1' }
  const takers = (project: string | undefined): string[] =>
    ['default', 'ABCD'].filter((door) => isAskedAt(door, config)({ ...requester, project }))
  t.same(takers(undefined), ['default'])
  t.same(takers('ABCD'), ['ABCD'])
  t.same(takers('GONE'), ['default'], 'of a door that is no longer there')
  t.ok(isAskedAt(undefined, config)({ ...requester, project: 'ABCD' }))
  t.end()
})
