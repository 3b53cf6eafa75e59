import { TransferSyntax } from '../dicom/index.ts'
import {
  type AssociationOptions,
  type Operation,
  formatStatus,
  openAssociation,
  statusMeaning,
} from '../dimse/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { encodeEventReport, eventTypeOf } from './event-report.ts'
import type { Outcome } from './outcome.ts'
import { STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE } from '../transaction/index.ts'
import type { WaitingRequest } from './waiting-requests.ts'

/** Where a peer listens for reports, and how it is spoken to. */
export interface PeerAddress {
  readonly host: string
  readonly port: number
  readonly tls?: NonNullable<AssociationOptions['tls']>
}

/** The association that the request came by, and the context in it. */
export type Origin = Pick<Operation, 'wayBack' | 'context'>

/** How long a peer may take to answer a report on its own association, and for each step on one of ours. */
const answerSeconds = 30

/**
 * On the association that the request came by.
 * @throws FionaError E_COMMITMENT_REFUSED, E_ASSOCIATION_ABORTED; DOMException when it takes too long
 *   or the signal aborts
 */
export async function reportOnSameAssociation(
  request: WaitingRequest,
  outcome: Outcome,
  { wayBack, context }: Origin,
  signal: AbortSignal,
): Promise<void> {
  const notice = eventOf(request, outcome, context.transferSyntax)
  const response = await wayBack.notify(
    { contextId: context.id, ...notice },
    AbortSignal.any([signal, AbortSignal.timeout(answerSeconds * 1000)]),
  )
  requireTaken(response.Status ?? 0x0110)
}

/**
 * On an association that we open, where we are the SCP (PS3.4 J.3.3, PS3.7 D.3.3.4).
 * @throws FionaError E_COMMITMENT_REFUSED, or what `openAssociation` throws
 */
export async function reportOnNewAssociation(
  request: WaitingRequest,
  outcome: Outcome,
  peer: PeerAddress,
  signal: AbortSignal,
): Promise<void> {
  const transferSyntaxes = [
    TransferSyntax.ExplicitVRLittleEndian,
    TransferSyntax.ImplicitVRLittleEndian,
  ]
  const association = await openAssociation({
    ...peer,
    callingAETitle: request.calledAET,
    calledAETitle: request.callingAET,
    contexts: [{ abstractSyntax: STORAGE_COMMITMENT, transferSyntaxes, asSCP: true }],
    timeoutSeconds: answerSeconds,
    signal,
  })
  try {
    const syntax = transferSyntaxes.find((one) => association.accepted(STORAGE_COMMITMENT, one))
    if (syntax === undefined) {
      throw refused(
        'it does not take reports of storage commitment (SCP role) on an association of ours',
      )
    }
    requireTaken(await association.reportEvent(eventOf(request, outcome, syntax), syntax))
  } finally {
    await association.release()
  }
}

function eventOf(request: WaitingRequest, outcome: Outcome, transferSyntax: string) {
  return {
    SOPClassUID: STORAGE_COMMITMENT,
    SOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
    EventTypeID: eventTypeOf(outcome),
    dataSet: encodeEventReport(request.TransactionUID, outcome, transferSyntax),
  }
}

/** Only a peer that said so has taken the report. */
function requireTaken(status: number): void {
  const { kind } = statusMeaning(status)
  if (kind !== 'success' && kind !== 'warning') throw refused(`it answered ${formatStatus(status)}`)
}

function refused(how: string): FionaError {
  return new FionaError('E_COMMITMENT_REFUSED', `the peer did not take the report: ${how}`, {
    hint: 'is storage commitment enabled at the peer, and FIONA known there under the AE title it calls?',
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}
