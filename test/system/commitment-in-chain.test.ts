// Storage commitment as a site has it: fiona up, a configuration, Orthanc and others; and what an operator is told meanwhile.
import { setTimeout as delay } from 'node:timers/promises'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { CommitmentPeer } from '../deliver/commitment-peer.ts'
import { Orthanc } from '../deliver/sending.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { newDataDir } from '../tools/scp.ts'
import { RunningChain } from './running-chain.ts'

process.env['NODE_OPTIONS'] = ''

t.test(
  'verified is what was reported, by whom it was reported, and not before',
  { skip: missing('Orthanc', 'storescu') },
  async (t) => {
    const folder = newDataDir(t)
    const port = await freePort()
    const orthanc = await Orthanc.start({
      DicomModalities: { fiona: ['FIONA', '127.0.0.1', port] },
    })
    t.teardown(() => orthanc.stop())
    const silent = () => 'nothing' as const
    const late = await CommitmentPeer.listen({ asked: silent })
    t.teardown(() => late.close())
    const never = await CommitmentPeer.listen({ asked: silent })
    t.teardown(() => never.close())
    const verify = 'commitment'
    const config = join(folder, 'fiona.json')
    writeFileSync(
      config,
      JSON.stringify({
        dataDir: 'data',
        projects: { default: { destinations: ['orthanc', 'late', 'never'] } },
        destinations: {
          orthanc: { url: orthanc.url, verify },
          late: { url: late.url, verify, commitment: { waitSeconds: 3600, asks: 1 } },
          never: { url: never.url, verify, commitment: { waitSeconds: 1, asks: 1 } },
        },
      }),
    )
    const images = [1, 2].map((instanceNumber) => {
      const path = join(folder, `${String(instanceNumber)}.dcm`)
      writeFileSync(path, ctImage({ instanceNumber }))
      return path
    })
    const dataDir = join(folder, 'data')
    const chain = await RunningChain.start({ dataDir, port, config, quietSeconds: 1 })
    t.teardown(() => chain.stop())
    t.equal((await run('storescu', ['127.0.0.1', String(port), ...images])).code, 0)

    const of = (records: AnyRecord[], name: string) =>
      records.find(({ destination }) => destination === name)
    const sent = await chain.until('sent', (all) =>
      ['orthanc', 'never'].every((one) => of(all, one)),
    )
    t.match(of(sent, 'orthanc'), { status: 'sent', committed: true, verified: true })
    t.match(of(sent, 'never'), { status: 'sent', committed: false, verified: false })
    t.equal(of(sent, 'late'), undefined)
    const request = String(of(sent, 'orthanc')?.['requestId'])
    const explained = async (): Promise<AnyRecord[]> => {
      const { stdout } = await run('fiona-send', ['explain', request, '--config', config])
      return stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as AnyRecord)
    }
    let told = await explained()
    // What a lane says is on disk a moment later.
    while (!/committed itself yet/.test(String(of(told, 'late')?.['why']))) {
      await delay(200)
      told = await explained()
    }
    t.match(of(told, 'orthanc'), {
      state: 'delivered',
      why: /all 2 objects were delivered by .*, and the destination has committed itself to them/,
      objects: { sent: 2, committed: 2 },
    })
    t.match(of(told, 'late'), { state: 'waiting', objects: { sent: 2, committed: 0 } })
    t.match(of(told, 'never'), {
      state: 'delivered',
      verified: false,
      why: /all 2 objects were delivered by .*, and not verified: .*E_NO_REPORT/,
    })
    const [error] = await chain.until('errors', (all) => all.length > 0)
    t.match(error, { code: 'E_NO_REPORT', destination: 'never' })

    const [question] = late.questions
    if (question === undefined) throw new Error('it was not asked')
    t.equal(await late.report(port, question), 0)
    const after = await chain.until('sent', (all) => of(all, 'late') !== undefined)
    t.match(of(after, 'late'), { status: 'sent', committed: true, verified: true })
    t.equal((await orthanc.instances()).length, 2)
  },
)
