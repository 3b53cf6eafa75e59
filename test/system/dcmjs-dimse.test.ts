// Another JavaScript toolkit as sender and as receiver: it packs PDVs and answers otherwise than DCMTK.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import dcmjsDimse from 'dcmjs-dimse'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { ctElements, ctImage, dataSetBytes } from '../fixtures/dicom-writer.ts'
import { freePort, run } from '../fixtures/peers.ts'
import { Scp } from '../tools/scp.ts'

const { Client, Server, Scp: ToolkitScp, requests, responses, constants } = dcmjsDimse
// It would tell of every PDU on stdout, in the middle of the report.
dcmjsDimse.log.setLevel('silent')
const { CEchoRequest, CStoreRequest } = requests
const { CStoreResponse } = responses
const { PresentationContextResult, Status, TransferSyntax } = constants

t.test('its client is answered, and its objects are stored', async (t) => {
  const scp = await Scp.start(t)
  const directory = t.testdir()
  const client = new Client()
  const statuses: number[] = []
  const echo = new CEchoRequest()
  const noteStatus = (response: dcmjsDimse.responses.Response): void => {
    statuses.push(response.getStatus())
  }
  echo.on('response', noteStatus)
  client.addRequest(echo)
  for (const number of [1, 2, 3]) {
    const path = join(directory, `${String(number)}.dcm`)
    writeFileSync(path, ctImage({ instanceNumber: number, rows: 64, columns: 64 }))
    const store = new CStoreRequest(path)
    store.on('response', noteStatus)
    client.addRequest(store)
  }
  await new Promise<void>((resolve, reject) => {
    client.on('closed', resolve)
    client.on('networkError', reject)
    client.send('127.0.0.1', scp.port, 'TOOLKIT', 'FIONA')
  })
  t.same(statuses, [Status.Success, Status.Success, Status.Success, Status.Success])
  t.equal(scp.records.length, 3)
  for (const { path } of scp.records) {
    using file = DicomFile.open(path)
    t.equal(file.string(file.dataSet, 0x00100010), 'Example^Patient')
    // It writes what it sends anew, but for the pixels.
    const sent = ctElements({
      instanceNumber: Number(file.string(file.dataSet, 0x00200013)),
      rows: 64,
      columns: 64,
    })
    const pixels = dataSetBytes(sent.filter(({ tag }) => tag === 0x7fe00010)).subarray(12)
    t.equal(pixels.length, 64 * 64 * 2)
    t.ok(readFileSync(path).includes(pixels))
  }
})

t.test('its server gets every object of a delivery, as it is', async (t) => {
  const received = new Map<string, { PatientName: unknown; bytes: number }>()
  class Receiver extends ToolkitScp {
    override associationRequested(association: dcmjsDimse.association.Association): void {
      for (const { id } of association.getPresentationContexts()) {
        const context = association.getPresentationContext(id)
        const [syntax = TransferSyntax.ImplicitVRLittleEndian] = context.getTransferSyntaxUids()
        context.setResult(PresentationContextResult.Accept, syntax)
      }
      this.sendAssociationAccept()
    }
    override cStoreRequest(
      request: dcmjsDimse.requests.CStoreRequest,
      answer: (response: dcmjsDimse.responses.CStoreResponse) => void,
    ): void {
      const elements = request.getDataset()?.getElements() as {
        PatientName: unknown
        PixelData: ArrayBuffer[]
      }
      const bytes = elements.PixelData[0]?.byteLength ?? 0
      received.set(request.getAffectedSopInstanceUid(), {
        PatientName: elements.PatientName,
        bytes,
      })
      const response = CStoreResponse.fromRequest(request)
      response.setStatus(Status.Success)
      answer(response)
    }
    override associationReleaseRequested(): void {
      this.sendAssociationReleaseResponse()
    }
  }
  const port = await freePort()
  const server = new Server(Receiver)
  server.on('networkError', () => undefined)
  server.listen(port)
  t.teardown(() => {
    server.close()
  })

  const cwd = t.testdir({ study: {} })
  for (const number of [1, 2, 3, 4, 5]) {
    const image = ctImage({ instanceNumber: number, rows: 200, columns: 200 })
    writeFileSync(join(cwd, 'study', `${String(number)}.dcm`), image)
  }
  writeFileSync(join(cwd, 'k'), Buffer.alloc(32, 7), { mode: 0o600 })
  const line = `fiona-import --in-place study | fiona-arrive | fiona-anon --key-file k --participant S001 --out out | fiona-send --destination dicom://TOOLKIT@127.0.0.1:${String(port)}`
  const { code, stderr } = await run('bash', ['-c', `set -o pipefail; ${line}`], { cwd })
  t.equal(code, 0, stderr)
  t.equal(received.size, 5)
  for (const { PatientName, bytes } of received.values()) {
    t.match(JSON.stringify(PatientName), /S001/)
    t.equal(bytes, 200 * 200 * 2)
  }
})
