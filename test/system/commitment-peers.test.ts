// Modalities that ask for storage commitment, as other people wrote them: Orthanc releases at once and hears
// of it on an association of ours, dcmjs-dimse stays and hears of it on its own.
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import dcmjsDimse from 'dcmjs-dimse'
import { CT_IMAGE_STORAGE, ctImage } from '../fixtures/dicom-writer.ts'
import { freePort, missing, pydicomSamples, start } from '../fixtures/peers.ts'
import { Scp, dataSetOf } from '../tools/scp.ts'

const { Client, Dataset, requests, responses, constants } = dcmjsDimse
dcmjsDimse.log.setLevel('silent')

const COMMITMENT = '1.2.840.10008.1.20.1'
const uidOf = (number: number) => `2.25.3001${String(number)}`
const reference = (number: number) => ({
  ReferencedSOPClassUID: CT_IMAGE_STORAGE,
  ReferencedSOPInstanceUID: uidOf(number),
})

/** Orthanc that knows the receiver as a modality, and its REST interface. */
async function startOrthanc(t: Test, dicomPort: number, receiverPort: number) {
  const directory = t.testdir()
  const httpPort = await freePort()
  const path = join(directory, 'orthanc.json')
  writeFileSync(
    path,
    JSON.stringify({
      StorageDirectory: join(directory, 'storage'),
      IndexDirectory: join(directory, 'storage'),
      DicomAet: 'ORTHANC',
      DicomPort: dicomPort,
      HttpPort: httpPort,
      RemoteAccessAllowed: true,
      AuthenticationEnabled: false,
      Plugins: [],
      DicomModalities: {
        fiona: {
          AET: 'FIONA',
          Host: '127.0.0.1',
          Port: receiverPort,
          AllowStorageCommitment: true,
        },
      },
    }),
  )
  const child = start('/usr/sbin/Orthanc', [path])
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
  })
  const call = async (path: string, body?: Buffer | string): Promise<unknown> => {
    const url = `http://127.0.0.1:${String(httpPort)}${path}`
    const response = await fetch(url, body === undefined ? {} : { method: 'POST', body })
    return response.json()
  }
  while ((await call('/system').catch(() => undefined)) === undefined) {
    if (child.exitCode !== null) throw new Error('Orthanc has ended')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const file = async (path: string): Promise<Buffer> => {
    const response = await fetch(`http://127.0.0.1:${String(httpPort)}${path}`)
    return Buffer.from(await response.arrayBuffer())
  }
  return Object.assign(call, { file })
}

/** From its tag to the end of the file. */
function pixelDataOf(file: Buffer): Buffer {
  const at = file.indexOf('e07f10004f420000ffffffff', 0, 'hex')
  if (at < 0) throw new Error('no pixel data in fragments')
  return file.subarray(at)
}

t.test(
  'Orthanc hears what was committed and what was not',
  { skip: missing('Orthanc') },
  async (t) => {
    const dicomPort = await freePort()
    const config = join(t.testdir(), 'fiona.json')
    const peers = { ORTHANC: { host: '127.0.0.1', port: dicomPort } }
    writeFileSync(config, JSON.stringify({ receiver: { peers } }))
    const scp = await Scp.start(t, { args: ['--config', config] })
    const orthanc = await startOrthanc(t, dicomPort, scp.port)
    const ids: string[] = []
    for (const number of [1, 2]) {
      const { ID } = (await orthanc('/instances', ctImage({ instanceNumber: number }))) as {
        ID: string
      }
      ids.push(ID)
    }
    await orthanc('/modalities/fiona/store', JSON.stringify(ids))
    t.equal((await scp.recorded(2)).length, 2)
    // What Orthanc has is here, too. An object that is compressed stays so; its header Orthanc writes anew.
    const compressed = pydicomSamples().filter((path) => path.endsWith('/JPEG2000.dcm'))
    for (const path of compressed) {
      const { ID } = (await orthanc('/instances', readFileSync(path))) as { ID: string }
      ids.push(ID)
      await orthanc('/modalities/fiona/store', JSON.stringify([ID]))
      const last = (await scp.recorded(ids.length)).at(-1)
      t.match(last, { TransferSyntaxUID: '1.2.840.10008.1.2.4.91' })
    }
    for (const [n, { path }] of scp.records.entries()) {
      const own = await orthanc.file(`/instances/${ids[n] ?? ''}/file`)
      const compared = n < 2 ? dataSetOf : pixelDataOf
      t.ok(compared(readFileSync(path)).equals(compared(own)), path)
    }
    const asked = (await orthanc(
      '/modalities/fiona/storage-commitment',
      JSON.stringify({
        DicomInstances: [1, 2, 9].map((number) => ({
          SOPClassUID: CT_IMAGE_STORAGE,
          SOPInstanceUID: uidOf(number),
        })),
      }),
    )) as { ID: string; Path: string }
    await scp.logged('storage commitment reported')
    t.match(await orthanc(asked.Path), {
      Status: 'Failure',
      RemoteAET: 'FIONA',
      Success: [{ SOPInstanceUID: uidOf(1) }, { SOPInstanceUID: uidOf(2) }],
      Failures: [{ SOPInstanceUID: uidOf(9), FailureReason: 0x0112 }],
    })
    const whole = (await orthanc(
      '/modalities/fiona/storage-commitment',
      JSON.stringify({ Resources: ids }),
    )) as { ID: string; Path: string }
    while (
      !scp.log.some(
        ({ msg, transaction }) => msg === 'storage commitment reported' && transaction === whole.ID,
      )
    ) {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    t.match(await orthanc(whole.Path), { Status: 'Success', Failures: [] })
  },
)

t.test('dcmjs-dimse hears it on its own association', async (t) => {
  const scp = await Scp.start(t)
  const path = join(t.testdir(), '1.dcm')
  writeFileSync(path, ctImage({ instanceNumber: 1 }))
  const client = new Client()
  client.addRequest(new requests.CStoreRequest(path))
  const action = new requests.NActionRequest(COMMITMENT, `${COMMITMENT}.1`, 1)
  action.setDataset(
    new Dataset({
      TransactionUID: '2.25.4711',
      ReferencedSOPSequence: [reference(1), reference(9)],
    }),
  )
  const statuses: number[] = []
  action.on('response', (response: dcmjsDimse.responses.Response) => {
    statuses.push(response.getStatus())
  })
  client.addRequest(action)
  const report = await new Promise<dcmjsDimse.requests.NEventReportRequest>((resolve, reject) => {
    client.on('networkError', reject)
    client.on(
      'nEventReportRequest',
      (
        request: dcmjsDimse.requests.NEventReportRequest,
        answer: (response: dcmjsDimse.responses.NEventReportResponse) => void,
      ) => {
        const response = responses.NEventReportResponse.fromRequest(request)
        response.setStatus(constants.Status.Success)
        answer(response)
        resolve(request)
      },
    )
    client.send('127.0.0.1', scp.port, 'TOOLKIT', 'FIONA', { associationLingerTimeout: 20_000 })
  })
  t.same(statuses, [constants.Status.Success])
  t.equal(report.getEventTypeId(), 2)
  t.match(report.getDataset()?.getElements(), {
    TransactionUID: '2.25.4711',
    ReferencedSOPSequence: [reference(1)],
    FailedSOPSequence: [{ ...reference(9), FailureReason: 0x0112 }],
  })
  t.match(await scp.logged('storage commitment reported'), { transaction: '2.25.4711', failed: 1 })
  client.abort(0, 0)
})
