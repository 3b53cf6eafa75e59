import { setImmediate as turn } from 'node:timers/promises'
import type { DicomFile, ParseOptions } from '../dicom/index.ts'
import { type Answer, CommandField, type CommandSet, Status } from '../dimse/index.ts'
import { isUid } from '../uid/index.ts'
import { ReferenceList } from './reference-list.ts'
import {
  REQUEST_STORAGE_COMMITMENT,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
  Tag,
} from '../transaction/index.ts'

/** No study has more objects; a peer with more can ask in parts. */
export const mostReferences = 100_000

/** Others get their turn while a long request is read. */
const itemsInOneTurn = 500

/** Why the operation cannot be a request for storage commitment, or undefined (PS3.7 10.1.4, PS3.4 J.3.2). */
export function refusalOf(command: CommandSet): Answer | undefined {
  if (command.CommandField !== CommandField.NActionRequest) {
    return { status: Status.unrecognizedOperation, comment: 'only N-ACTION is served here' }
  }
  if (command.RequestedSOPClassUID !== STORAGE_COMMITMENT) {
    return { status: Status.noSuchSOPClass }
  }
  if (command.RequestedSOPInstanceUID !== STORAGE_COMMITMENT_INSTANCE) {
    return { status: Status.noSuchObjectInstance }
  }
  if (command.ActionTypeID !== REQUEST_STORAGE_COMMITMENT) {
    return { status: Status.noSuchActionType }
  }
  return undefined
}

/** How `readRequest` wants its data set: parsed whole, 100,000 items take a hundred megabytes and the time of everybody. */
export const requestParsing: Pick<ParseOptions, 'topLevelOnly' | 'itemByItem'> = {
  topLevelOnly: true,
  itemByItem: Tag.ReferencedSOPSequence,
}

export interface Asked {
  readonly TransactionUID: string
  readonly references: ReferenceList
}

/**
 * The action information (PS3.4 table J.3-1). One reference that cannot be understood refuses them all:
 * it could not be named in the report.
 * @param file parsed with `requestParsing`
 * @returns an Answer that refuses it
 */
export async function readRequest(file: DicomFile): Promise<Asked | Answer> {
  const references = new ReferenceList()
  for (const item of file.items()) {
    if (references.length % itemsInOneTurn === 0) await turn()
    if (references.length === mostReferences) {
      return {
        status: Status.resourceLimitation,
        comment: `more than ${String(mostReferences)} objects in one request`,
      }
    }
    const SOPClassUID = file.string(item, Tag.ReferencedSOPClassUID)
    const SOPInstanceUID = file.string(item, Tag.ReferencedSOPInstanceUID)
    if (!isUid(SOPClassUID) || !isUid(SOPInstanceUID)) {
      return invalid(`a UID in item ${String(references.length + 1)} is missing or invalid`)
    }
    references.add({ SOPClassUID, SOPInstanceUID })
  }
  const TransactionUID = file.string(file.dataSet, Tag.TransactionUID)
  if (!isUid(TransactionUID)) return invalid('the Transaction UID is missing or invalid')
  if (references.length === 0) return invalid('no object is referenced')
  return { TransactionUID, references }
}

function invalid(comment: string): Answer {
  return { status: Status.invalidArgumentValue, comment }
}
