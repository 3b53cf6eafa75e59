// What modalities say, as messages; written by the tests' own writer.
import { CommandField, type CommandSet } from '../../src/lib/dimse/index.ts'
import { MODALITY_PERFORMED_PROCEDURE_STEP as MPPS } from '../../src/lib/mpps/index.ts'
import { Peer, commandPdus, dataPdus } from '../dimse/peer.ts'
import { type TestElement, dataSetBytes, el, sq, syntax } from '../fixtures/dicom-writer.ts'

export { MPPS }

export const presentationContexts = [
  { id: 1, abstractSyntax: MPPS, transferSyntaxes: [syntax.explicit] },
  { id: 3, abstractSyntax: '1.2.840.10008.1.1', transferSyntaxes: [syntax.implicit] },
]

/** The elements of `usual`, but those of `changes` in place of theirs. */
function changed(usual: readonly TestElement[], changes: readonly TestElement[]): TestElement[] {
  return [...usual.filter(({ tag }) => !changes.some((change) => change.tag === tag)), ...changes]
}

/** A whole N-CREATE, of an invented patient. */
export function beginning(...changes: TestElement[]): TestElement[] {
  return changed(
    [
      el(0x00080005, 'CS', 'ISO_IR 100'),
      el(0x00080060, 'CS', 'CT'),
      el(0x00081120, 'SQ'),
      el(0x00100010, 'PN', 'Example^Step'),
      el(0x00100020, 'LO', 'EX-0007'),
      el(0x00100030, 'DA', '19700101'),
      el(0x00100040, 'CS', 'O'),
      el(0x00200010, 'SH', 'STUDY1'),
      el(0x00400241, 'AE', 'CT1'),
      el(0x00400242, 'SH', 'CT ROOM 1'),
      el(0x00400244, 'DA', '20240102'),
      el(0x00400245, 'TM', '030405'),
      el(0x00400250, 'DA'),
      el(0x00400251, 'TM'),
      el(0x00400252, 'CS', 'IN PROGRESS'),
      el(0x00400253, 'SH', 'PPS1'),
      scheduled('2.25.1001'),
      performed(),
    ],
    changes,
  )
}

/** N-SET to a final state, with series. */
export function ending(
  status: 'COMPLETED' | 'DISCONTINUED',
  series: Readonly<Record<string, readonly string[]>>,
  ...changes: TestElement[]
): TestElement[] {
  return changed(
    [
      el(0x00400250, 'DA', '20240102'),
      el(0x00400251, 'TM', '031500'),
      el(0x00400252, 'CS', status),
      performed(series),
    ],
    changes,
  )
}

/** Scheduled Step Attributes Sequence. */
export function scheduled(...studies: readonly string[]): TestElement {
  return sq(
    0x00400270,
    studies.map((study) => [
      el(0x00080050, 'SH', 'ACC0001'),
      el(0x0020000d, 'UI', study),
      el(0x00321060, 'LO', 'CT Chest'),
      el(0x00400009, 'SH', 'SPS1'),
      el(0x00401001, 'SH', 'RP1'),
    ]),
  )
}

/** Performed Series Sequence: the objects of each series. */
export function performed(series: Readonly<Record<string, readonly string[]>> = {}): TestElement {
  const items = Object.entries(series).map(([seriesUID, objects]) => [
    el(0x00081070, 'PN'),
    el(0x0008103e, 'LO', 'Axial 5 mm'),
    sq(
      0x00081140,
      objects.map((object) => [
        el(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
        el(0x00081155, 'UI', object),
      ]),
    ),
    el(0x00181030, 'LO', 'CHEST'),
    el(0x0020000e, 'UI', seriesUID),
  ])
  return sq(0x00400340, items)
}

export function createPdus(
  instance: string | undefined,
  elements: readonly TestElement[] | Buffer,
  changes: Partial<CommandSet> = {},
): Buffer {
  const command: CommandSet = {
    AffectedSOPClassUID: MPPS,
    CommandField: CommandField.NCreateRequest,
    MessageID: 1,
    CommandDataSetType: 1,
    ...(instance === undefined ? {} : { AffectedSOPInstanceUID: instance }),
    ...changes,
  }
  return Buffer.concat([commandPdus(command), dataPdus(bytesOf(elements))])
}

export function setPdus(
  instance: string,
  elements: readonly TestElement[] | Buffer,
  changes: Partial<CommandSet> = {},
): Buffer {
  const command: CommandSet = {
    RequestedSOPClassUID: MPPS,
    CommandField: CommandField.NSetRequest,
    MessageID: 2,
    CommandDataSetType: 1,
    RequestedSOPInstanceUID: instance,
    ...changes,
  }
  return Buffer.concat([commandPdus(command), dataPdus(bytesOf(elements))])
}

function bytesOf(elements: readonly TestElement[] | Buffer): Buffer {
  return Buffer.isBuffer(elements) ? elements : dataSetBytes(elements)
}

/** An association of a modality. */
export function modality(port: number, callingAETitle = 'CT1'): Promise<Peer> {
  return Peer.associated(port, { presentationContexts, callingAETitle })
}
