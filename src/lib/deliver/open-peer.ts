import { type Association, openAssociation } from '../dimse/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/**
 * An association with a destination.
 * @throws FionaError as `openAssociation`; what answers with anything but PDUs is named for what it is
 */
export async function openPeer(
  options: Parameters<typeof openAssociation>[0],
): Promise<Association> {
  try {
    return await openAssociation(options)
  } catch (error) {
    if (!(error instanceof FionaError) || error.code !== 'E_DICOM_PROTOCOL') throw error
    // The reader of PDUs tells of types and lengths. Before there is an association that nearly always means one thing.
    const peer = `${options.calledAETitle}@${options.host}:${String(options.port)}`
    const message = `what answers at ${peer} is not a DICOM service: ${error.message}`
    throw new FionaError('E_DICOM_PROTOCOL', message, {
      hint: 'is this the port for DICOM? A web service has another one, and so has a DICOM service with TLS',
      retryable: error.retryable,
      exitCode: ExitCode.badInput,
      cause: error,
    })
  }
}
