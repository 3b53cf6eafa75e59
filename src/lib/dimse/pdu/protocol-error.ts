import { ExitCode, FionaError } from '../../error/index.ts'
import { AbortReason, AbortSource } from './pdu.ts'

/** The peer does not keep to PS3.8 or PS3.7: there is no answer but A-ABORT, whose fields this carries. */
export class ProtocolError extends FionaError {
  readonly source: number
  readonly reason: AbortReason

  constructor(reason: AbortReason, message: string, options: { readonly source?: number } = {}) {
    super('E_DICOM_PROTOCOL', message, {
      hint: 'the association was aborted; a DICOM conversation ended before was not touched',
      exitCode: ExitCode.badInput,
    })
    this.name = 'ProtocolError'
    this.reason = reason
    this.source = options.source ?? AbortSource.serviceProvider
  }
}

/** Lengths that do not fit into each other, values out of range: PS3.8 table 9-26, reason 6. */
export function invalidValue(message: string): ProtocolError {
  return new ProtocolError(AbortReason.invalidPduParameterValue, message)
}
