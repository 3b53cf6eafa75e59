import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PduType, encodeControlPdu } from '../../src/lib/dimse/index.ts'
import { Peer, associateRequest } from '../dimse/peer.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { Scp, newDataDir } from './scp.ts'

const dcmtk = { skip: missing('storescu') }

async function withDoor(t: Test, args: readonly string[] = []) {
  const dataDir = newDataDir(t)
  const port = await freePort()
  const config = {
    receiver: { aeTitle: 'FIONA', port: 0 },
    projects: {
      ABCD: { receiver: { port, aeTitle: 'ABCDFIONA', promiscuous: false } },
      EFGH: { match: { calledAET: '^EFGH$' } },
    },
  }
  const path = join(dataDir, 'fiona.json')
  writeFileSync(path, JSON.stringify(config))
  const scp = await Scp.start(t, { dataDir, args: ['--config', path, ...args] })
  await scp.logged(`listening on port ${String(port)} for project ABCD`)
  return { scp, port }
}

t.test('what comes in by the door of a project is that project’s', dcmtk, async (t) => {
  const { scp, port } = await withDoor(t)
  const folder = newDataDir(t)
  const send = async (to: number, calledAET: string, number: number): Promise<number | null> => {
    const path = join(folder, `${String(number)}.dcm`)
    writeFileSync(path, ctImage({ instanceNumber: number }))
    return (await run('storescu', ['-aec', calledAET, '127.0.0.1', String(to), path])).code
  }
  t.equal(await send(port, 'ABCDFIONA', 1), 0)
  t.equal(await send(scp.port, 'ABCDFIONA', 2), 0)
  t.equal(await send(scp.port, 'EFGH', 3), 0)
  t.not(await send(port, 'EFGH', 4), 0, 'its AE title is asked for')
  const records = await scp.recorded(3)
  t.same(
    records.map(({ project, source }) => [project, source?.calledAET]),
    [
      ['ABCD', 'ABCDFIONA'],
      ['default', 'ABCDFIONA'],
      ['EFGH', 'EFGH'],
    ],
  )
  t.ok(records[0]?.path.startsWith(join(scp.dataDir, 'ABCD', 'archive')))
  t.equal(await scp.end('SIGTERM'), 0)
})

t.test('the limit of associations is one for all doors', async (t) => {
  const { scp, port } = await withDoor(t, ['--max-associations', '1'])
  const first = await Peer.associated(scp.port)
  const second = await Peer.connect(port)
  second.send(encodeControlPdu(associateRequest({ calledAETitle: 'ABCDFIONA' })))
  t.same(await second.next(), { type: PduType.AssociateReject, result: 2, source: 3, reason: 2 })
  await first.release()
  const third = await Peer.associated(port, { calledAETitle: 'ABCDFIONA' })
  await third.release()
})

t.test('a door that cannot be opened leaves none open', async (t) => {
  const { port } = await withDoor(t)
  const dataDir = newDataDir(t)
  const path = join(dataDir, 'fiona.json')
  writeFileSync(path, JSON.stringify({ projects: { ABCD: { receiver: { port } } } }))
  const args = ['--config', path, '--port', '0', '--data-dir', dataDir]
  const { code, stderr } = await run('fiona-scp', args)
  t.equal(code, 69)
  t.match(stderr, `port ${String(port)} is in use`)
})
