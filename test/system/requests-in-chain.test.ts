import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
import { newDataDir } from '../tools/scp.ts'
import { RunningChain } from './running-chain.ts'

process.env['NODE_OPTIONS'] = ''

t.test(
  'a study that is in no table waits; added later, it is delivered as that participant',
  { skip: missing('storescu') },
  async (t) => {
    const folder = newDataDir(t)
    const dataDir = join(folder, 'data')
    const table = join(folder, 'coupling.csv')
    const header = 'AccessionNumber,ProjectName,subjectid,eventname\n'
    writeFileSync(table, header)
    const config = join(folder, 'fiona.json')
    writeFileSync(
      config,
      JSON.stringify({
        dataDir,
        requests: [{ table: 'coupling.csv' }],
        projects: { ABCD: { destinations: ['folder'] } },
        destinations: { folder: { url: `file:${join(folder, 'delivered')}` } },
      }),
    )
    const image = join(folder, 'image.dcm')
    writeFileSync(image, ctImage({ elements: [el(0x00080050, 'SH', 'ACC7')] }))
    const chain = await RunningChain.start({ dataDir, config, quietSeconds: 1 })
    t.teardown(() => chain.stop())
    t.equal((await run('storescu', ['127.0.0.1', String(chain.port), image])).code, 0)
    await chain.until('organized', (records) => records.some(({ type }) => type === 'study'))
    const isListed = async () => {
      const { stdout } = await run('fiona-request', ['waiting', '--config', config])
      return stdout.includes('no row of coupling.csv is of it')
    }
    while (!(await isListed())) continue
    writeFileSync(`${table}.new`, `${header}ACC7,ABCD,ABCD_0007,baseline\n`)
    renameSync(`${table}.new`, table)
    const [transfer] = await chain.until('sent', (records) => records.length > 0)
    const [request] = await chain.records('requested')
    t.match(request, {
      type: 'request',
      project: 'ABCD',
      participant: 'ABCD_0007',
      event: 'baseline',
    })
    t.match(transfer, { type: 'transfer', status: 'sent', requestId: request?.['requestId'] })
    t.strictSame(readdirSync(join(folder, 'delivered')), ['ABCD_0007'])
    t.strictSame(
      (await chain.records('requested')).map(({ type }) => type),
      ['request'],
      'what nobody needs is not there twice',
    )
  },
)
