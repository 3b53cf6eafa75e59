import type { Logger } from 'pino'
import { DicomFile, type DataSet } from '../dicom/index.ts'
import {
  type Answer,
  ByteBudget,
  CommandField,
  type CommandSet,
  DataSetCollector,
  type DataSetConsumer,
  Draining,
  type Operation,
  Status,
} from '../dimse/index.ts'
import { FionaError, troubleOfSurroundings } from '../error/index.ts'
import { nowIso } from '../record/index.ts'
import { isUid } from '../uid/index.ts'
import { EventType, STORAGE_COMMITMENT, Tag } from './sop-class.ts'
import type { Report, Transactions } from './transactions.ts'

/** Reports of this process's past: who did not hear our answer says it again, and means no harm. */
const mostRemembered = 10_000

type Hears = Pick<Transactions, 'report'>

/** Takes reports from whoever opens an association to us for that (PS3.4 J.3.3). */
export class ReportHearing {
  readonly #transactions: Hears
  readonly #log: Logger
  readonly #heard = new Set<string>()
  /** A question has 1,000 objects at most, and so has its report. */
  readonly #limits = { maxBytes: 1 << 20, maxParts: 20_000, budget: new ByteBudget(16 << 20) }

  constructor(transactions: Hears, log: Logger) {
    this.#transactions = transactions
    this.#log = log
  }

  consume(operation: Operation): DataSetConsumer {
    const { command, association } = operation
    const refusal = refusalOf(command)
    if (refusal !== undefined) return new Draining(refusal)
    return new DataSetCollector(operation, this.#limits, async (file) => {
      const answer = await hear(file, this.#transactions, this.#heard)
      const { id, callingAETitle: callingAET } = association
      const facts = { association: id, callingAET, transaction: transactionOf(file) }
      if (answer.status === Status.success) {
        this.#log.info(facts, 'a report of storage commitment came')
      } else this.#log.warn({ ...facts, comment: answer.comment }, 'a report was not taken')
      return answer
    })
  }
}

/** A report on the association that we asked on. It does not throw. */
export async function hearReport(
  event: {
    readonly command: CommandSet
    readonly dataSet: Buffer
    readonly transferSyntax: string
  },
  transactions: Hears,
): Promise<Answer> {
  const refusal = refusalOf(event.command)
  if (refusal !== undefined) return refusal
  try {
    using file = DicomFile.fromDataSet(event.dataSet, event.transferSyntax, {
      maxInflatedBytes: 1 << 20,
      maxParts: 20_000,
    })
    return await hear(file, transactions, new Set())
  } catch (error) {
    if (error instanceof FionaError && /^E_DICOM_(PARSE|LIMIT)$/.test(error.code)) return damaged
    throw error
  }
}

const damaged: Answer = {
  status: Status.invalidArgumentValue,
  comment: 'the report is damaged',
}

/** Why an event cannot be a report of storage commitment, or undefined (PS3.7 10.1.1). */
function refusalOf(command: CommandSet): Answer | undefined {
  if (command.CommandField !== CommandField.NEventReportRequest) {
    return { status: Status.unrecognizedOperation, comment: 'only N-EVENT-REPORT is heard here' }
  }
  if (command.AffectedSOPClassUID !== STORAGE_COMMITMENT) return { status: Status.noSuchSOPClass }
  const isKnown = Object.values<number | undefined>(EventType).includes(command.EventTypeID)
  return isKnown ? undefined : { status: Status.noSuchEventType }
}

/** Success is answered when the report is safe. */
async function hear(file: DicomFile, transactions: Hears, heard: Set<string>): Promise<Answer> {
  const TransactionUID = transactionOf(file)
  if (!isUid(TransactionUID)) {
    return {
      status: Status.invalidArgumentValue,
      comment: 'the Transaction UID is missing or invalid',
    }
  }
  try {
    if (await transactions.report(TransactionUID, reportIn(file))) {
      heard.add(TransactionUID)
      if (heard.size > mostRemembered) {
        const [oldest] = heard
        heard.delete(oldest ?? '')
      }
      return { status: Status.success }
    }
  } catch (error) {
    if (troubleOfSurroundings(error) === undefined) throw error
    return { status: Status.resourceLimitation, comment: 'the report cannot be kept' }
  }
  if (heard.has(TransactionUID)) return { status: Status.success }
  return { status: Status.invalidArgumentValue, comment: 'no such transaction is open' }
}

function transactionOf(file: DicomFile): string | undefined {
  return file.string(file.dataSet, Tag.TransactionUID)
}

/**
 * The event information (PS3.4 table J.3-2). Objects count by the sequence that they stand in, whatever the
 * type of the event says; one that stands in both has failed.
 */
function reportIn(file: DicomFile): Report {
  const itemsOf = (tag: number): readonly DataSet[] => file.dataSet.get(tag)?.items ?? []
  const failed = itemsOf(Tag.FailedSOPSequence).flatMap((item) => {
    const SOPInstanceUID = file.string(item, Tag.ReferencedSOPInstanceUID)
    if (!isUid(SOPInstanceUID)) return []
    return [{ SOPInstanceUID, reason: file.numbers(item, Tag.FailureReason)[0] ?? 0 }]
  })
  const isFailed = new Set<string>(failed.map(({ SOPInstanceUID }) => SOPInstanceUID))
  const committed = itemsOf(Tag.ReferencedSOPSequence).flatMap((item) => {
    const SOPInstanceUID = file.string(item, Tag.ReferencedSOPInstanceUID)
    return isUid(SOPInstanceUID) && !isFailed.has(SOPInstanceUID) ? [SOPInstanceUID] : []
  })
  return { time: nowIso(), committed, failed }
}
