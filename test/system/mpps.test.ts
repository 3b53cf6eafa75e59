// A modality as another toolkit plays it, and the whole chain: what it reports decides when a study is complete.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import dcmjsDimse from 'dcmjs-dimse'
import { MODALITY_PERFORMED_PROCEDURE_STEP as MPPS } from '../../src/lib/mpps/index.ts'
import { type AnyRecord, parseRecord } from '../../src/lib/record/index.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { Scp } from '../tools/scp.ts'
import { CT_IMAGE_STORAGE } from '../fixtures/dicom-writer.ts'
import { makeObjects } from './objects.ts'
import { RunningChain } from './running-chain.ts'

const { Client, Dataset, requests, constants } = dcmjsDimse
// It would tell of every PDU on stdout, in the middle of the report.
dcmjsDimse.log.setLevel('silent')
const { CEchoRequest, NCreateRequest, NGetRequest, NSetRequest } = requests
const { Status, TransferSyntax } = constants

type Elements = Readonly<Record<string, unknown>>

const beginning = (StudyInstanceUID: string): Elements => ({
  ScheduledStepAttributesSequence: [
    {
      StudyInstanceUID,
      ReferencedStudySequence: [],
      AccessionNumber: 'ACC0001',
      RequestedProcedureID: 'RP1',
      RequestedProcedureDescription: 'CT Chest',
      ScheduledProcedureStepID: 'SPS1',
      ScheduledProcedureStepDescription: 'Chest',
      ScheduledProtocolCodeSequence: [],
    },
  ],
  PatientName: 'Example^Patient',
  PatientID: 'EX-0001',
  PatientBirthDate: '19700101',
  PatientSex: 'O',
  ReferencedPatientSequence: [],
  PerformedProcedureStepID: 'PPS1',
  PerformedStationAETitle: 'CT1',
  PerformedStationName: 'CT ROOM 1',
  PerformedLocation: '',
  PerformedProcedureStepStartDate: '20240102',
  PerformedProcedureStepStartTime: '030405',
  PerformedProcedureStepStatus: 'IN PROGRESS',
  PerformedProcedureStepDescription: '',
  PerformedProcedureTypeDescription: '',
  ProcedureCodeSequence: [],
  PerformedProcedureStepEndDate: '',
  PerformedProcedureStepEndTime: '',
  Modality: 'CT',
  StudyID: 'STUDY1',
  PerformedProtocolCodeSequence: [],
  PerformedSeriesSequence: [],
})

interface Made {
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  readonly SeriesInstanceUID: string
}

const ending = (PerformedProcedureStepStatus: string, objects: readonly Made[]): Elements => ({
  PerformedProcedureStepStatus,
  PerformedProcedureStepEndDate: '20240102',
  PerformedProcedureStepEndTime: '031500',
  PerformedSeriesSequence: [...new Set(objects.map((each) => each.SeriesInstanceUID))].map(
    (SeriesInstanceUID) => ({
      PerformingPhysicianName: '',
      ProtocolName: 'CHEST',
      OperatorsName: '',
      SeriesInstanceUID,
      SeriesDescription: 'Axial 5 mm',
      RetrieveAETitle: '',
      ReferencedImageSequence: objects
        .filter((each) => each.SeriesInstanceUID === SeriesInstanceUID)
        .map(({ SOPClassUID, SOPInstanceUID }) => ({
          ReferencedSOPClassUID: SOPClassUID,
          ReferencedSOPInstanceUID: SOPInstanceUID,
        })),
      ReferencedNonImageCompositeSOPInstanceSequence: [],
    }),
  ),
})

/** One association with these requests; the statuses of the answers, in order. */
async function report(
  port: number,
  ...all: readonly (readonly ['create' | 'set' | 'echo', string, Elements])[]
): Promise<number[]> {
  const client = new Client()
  const statuses: number[] = []
  for (const [what, uid, elements] of all) {
    const request =
      what === 'echo'
        ? new CEchoRequest()
        : new (what === 'create' ? NCreateRequest : NSetRequest)(MPPS, uid)
    if (what !== 'echo') {
      request.setDataset(new Dataset({ ...elements }, TransferSyntax.ImplicitVRLittleEndian))
    }
    request.on('response', (response: dcmjsDimse.responses.Response) => {
      statuses.push(response.getStatus())
    })
    client.addRequest(request)
  }
  await sendAll(client, port)
  return statuses
}

async function sendAll(client: dcmjsDimse.Client, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.on('closed', resolve)
    client.on('networkError', reject)
    client.send('127.0.0.1', port, 'CT1', 'FIONA')
  })
}

t.test('another toolkit reports a step from its beginning to its end', async (t) => {
  const scp = await Scp.start(t, { tool: 'fiona-mpps' })
  const objects = [1, 2].map((n) => ({
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    SOPInstanceUID: `2.25.1.1.${String(n)}`,
    SeriesInstanceUID: '2.25.1.1',
  }))
  t.same(
    await report(
      scp.port,
      ['echo', '', {}],
      ['create', '2.25.7', beginning('2.25.1')],
      ['set', '2.25.7', { PerformedProcedureStepDescription: 'Chest' }],
      ['set', '2.25.7', ending('COMPLETED', objects)],
    ),
    [Status.Success, Status.Success, Status.Success, Status.Success],
  )
  t.same(await report(scp.port, ['create', '2.25.7', beginning('2.25.1')]), [0x0111])
  t.same(await report(scp.port, ['set', '2.25.7', ending('DISCONTINUED', [])]), [0x0110])
  t.same(await report(scp.port, ['set', '2.25.8', ending('COMPLETED', objects)]), [0x0112])
  t.same(await report(scp.port, ['create', '2.25.9', ending('COMPLETED', objects)]), [0x0106])
  const records = scp.records as unknown as AnyRecord[]
  t.match(records, [
    { status: 'IN PROGRESS', attributes: { PatientName: 'Example^Patient' } },
    { status: 'IN PROGRESS', attributes: { PerformedProcedureStepDescription: 'Chest' } },
    {
      status: 'COMPLETED',
      StudyInstanceUID: '2.25.1',
      series: [
        {
          SeriesInstanceUID: '2.25.1.1',
          instances: ['2.25.1.1.1', '2.25.1.1.2'],
          ProtocolName: 'CHEST',
        },
      ],
    },
  ])
  t.equal(records.length, 3)
})

t.test(
  'a step cannot be asked back: neither in its own context nor in that for retrieval',
  async (t) => {
    const scp = await Scp.start(t, { tool: 'fiona-mpps' })
    t.same(await report(scp.port, ['create', '2.25.7', beginning('2.25.1')]), [0])
    const get = async (SOPClassUID: string): Promise<number[]> => {
      const client = new Client()
      const statuses: number[] = []
      const request = new NGetRequest(SOPClassUID, '2.25.7', ['PerformedProcedureStepStatus'])
      request.on('response', (response: dcmjsDimse.responses.Response) => {
        statuses.push(response.getStatus())
      })
      client.addRequest(request)
      await sendAll(client, scp.port)
      return statuses
    }
    t.same(await get(MPPS), [0x0211], 'unrecognized operation (PS3.7 C.5.21)')
    // The retrieve SOP class (PS3.4 F.8) is not negotiated.
    t.same(await get('1.2.840.10008.3.1.2.3.4'), [])
    t.same(await report(scp.port, ['set', '2.25.7', ending('DISCONTINUED', [])]), [0])
  },
)

/** The door for steps is open: the receiver's, which the chain waits for, says nothing of it. */
async function listening(chain: RunningChain, port: number): Promise<void> {
  const { stderr } = chain.child
  if (stderr === null) throw new Error('no stderr')
  while (!chain.stderr.includes(`listening on port ${String(port)}`)) await once(stderr, 'data')
}

/** `fiona up` that would wait ten minutes for a study without evidence. */
async function chainWithMpps(
  t: Test,
  root: string,
): Promise<{ chain: RunningChain; mpps: number }> {
  const mpps = await freePort()
  const config = join(root, 'fiona.yaml')
  writeFileSync(config, `mpps: { port: ${String(mpps)} }\n`)
  const dataDir = join(root, 'var')
  const chain = await RunningChain.start({ dataDir, config, quietSeconds: 600 })
  t.teardown(() => chain.child.kill('SIGKILL'))
  await listening(chain, mpps)
  return { chain, mpps }
}

t.test(
  'a study is delivered as soon as its step is completed and its objects are here',
  { skip: missing('dcmsend') },
  async (t) => {
    const root = t.testdir()
    const { chain, mpps } = await chainWithMpps(t, root)
    const objects = makeObjects(join(root, 'in'), 1, 6).map((object) => ({
      ...object,
      SOPClassUID: CT_IMAGE_STORAGE,
      SeriesInstanceUID: object.SOPInstanceUID.replace(/\.\d+$/, ''),
    }))
    const [{ StudyInstanceUID = '' } = {}] = objects
    const send = (some: typeof objects) =>
      run('dcmsend', ['127.0.0.1', String(chain.port), ...some.map(({ path }) => path)])
    t.same(await report(mpps, ['create', '2.25.7', beginning(StudyInstanceUID)]), [0])
    await send(objects.slice(0, 4))
    t.same(await report(mpps, ['set', '2.25.7', ending('COMPLETED', objects)]), [0])
    const steps = (await chain.records('received')).filter(({ type }) => type === 'mpps')
    t.match(steps, [{ status: 'IN PROGRESS' }, { status: 'COMPLETED' }], 'before the answers')
    for (const step of steps) parseRecord(step)
    await send(objects.slice(4))
    const [transfer] = await chain.until('sent', (records) => records.length === 1)
    t.match(transfer, { status: 'sent', instances: { sent: 6, failed: 0 } })
    const organized = await chain.records('organized')
    t.match(
      organized.filter(({ type }) => type === 'study'),
      [
        {
          StudyInstanceUID,
          instances: 6,
          revision: 1,
          reason: 'mpps',
          evidence: { mpps: ['2.25.7'], missing: 0, quietSeconds: 600 },
        },
      ],
    )
    t.match(chain.events()[0], { event: 'starting', ports: { receiver: chain.port, mpps } })
    t.notMatch(chain.stdout + chain.stderr, /EX-0001|Example\^Patient/)
    t.same(await chain.records('errors'), [])
    t.same(
      (await chain.records('outbox')).filter(({ type }) => type === 'mpps'),
      [],
      'a step does not cross the privacy boundary',
    )
    t.equal(await chain.stop(), 0)
  },
)

t.test('killed with all its parts, the chain still knows what was reported', async (t) => {
  const root = t.testdir()
  const { chain, mpps } = await chainWithMpps(t, root)
  t.same(await report(mpps, ['create', '2.25.7', beginning('2.25.1')]), [0])
  await chain.kill()
  const config = join(root, 'fiona.yaml')
  const again = await RunningChain.start({ dataDir: chain.dataDir, config, quietSeconds: 600 })
  t.teardown(() => again.stop())
  await listening(again, mpps)
  t.same(await report(mpps, ['set', '2.25.7', ending('DISCONTINUED', [])]), [0])
  const steps = (await again.records('received')).filter(({ type }) => type === 'mpps')
  t.match(steps, [{ status: 'IN PROGRESS' }, { status: 'DISCONTINUED' }])
  t.equal(await again.stop(), 0)
})

t.test('two doors on one port are refused before anything starts', async (t) => {
  const root = t.testdir()
  const config = join(root, 'fiona.yaml')
  writeFileSync(config, 'mpps: { port: 11113 }\n')
  const args = ['up', '--config', config, '--data-dir', root, '--port', '11113']
  const { code, stderr } = await run('fiona', args)
  t.equal(code, 78)
  t.match(stderr, /mpps\.port: 11113 is the receiver's port already/)
})
