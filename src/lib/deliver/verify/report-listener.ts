import type { Logger } from 'pino'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../../dicom/index.ts'
import {
  type AcceptorObserver,
  type AssociateAccept,
  type AssociateRequest,
  CommandField,
  DicomServer,
  Draining,
  type ServiceProvider,
  Status,
  VERIFICATION,
  acceptAssociation,
  chooseReadableSyntax,
} from '../../dimse/index.ts'
import { ReportHearing, STORAGE_COMMITMENT, type Transactions } from '../../transaction/index.ts'

const limits = { maxPduBytes: 65_536, handshakeMs: 15_000, idleMs: 60_000, maxConnections: 100 }
const graceMs = 2000

/** A port of ours for destinations that report storage commitment on associations of their own. */
export interface ReportListener {
  readonly port: number
  close(): Promise<void>
}

/**
 * Nothing else is served there but C-ECHO, and under any called AE title: only who was asked knows what to
 * report about.
 * @throws FionaError E_PORT_IN_USE, E_PORT_NOT_ALLOWED
 */
export async function listenForReports(
  port: number,
  transactions: Transactions,
  log: Logger,
): Promise<ReportListener> {
  const hearing = new ReportHearing(transactions, log)
  const provider: ServiceProvider = {
    associate: answer,
    consume: (operation) =>
      operation.context.abstractSyntax === STORAGE_COMMITMENT
        ? hearing.consume(operation)
        : new Draining(notServed),
    perform: ({ command }) =>
      command.CommandField === CommandField.CEchoRequest ? { status: Status.success } : notServed,
  }
  const observer: AcceptorObserver = {
    turnedAway: (address, reason) => {
      log.debug({ address, reason }, 'connection turned away')
    },
    failed: (error) => {
      log.error({ err: error }, 'internal error: an association was aborted')
    },
  }
  const server = await DicomServer.listen(provider, observer, { ...limits, port })
  log.info({ port: server.port }, 'listening for reports of storage commitment')
  return { port: server.port, close: () => server.stop(graceMs) }
}

const notServed = { status: Status.unrecognizedOperation, comment: 'only reports are heard here' }

function answer(request: AssociateRequest): AssociateAccept {
  return acceptAssociation(request, {
    maxPduBytes: limits.maxPduBytes,
    implementationClassUID: IMPLEMENTATION_CLASS_UID,
    implementationVersionName: IMPLEMENTATION_VERSION_NAME,
    choose: (abstractSyntax, transferSyntaxes) =>
      abstractSyntax === STORAGE_COMMITMENT || abstractSyntax === VERIFICATION
        ? chooseReadableSyntax(transferSyntaxes)
        : 'abstractSyntaxNotSupported',
    requestorMayServe: (SOPClassUID) => SOPClassUID === STORAGE_COMMITMENT,
  })
}
