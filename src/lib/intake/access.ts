import type { Config } from '../config/index.ts'
import {
  type AssociateReject,
  type AssociateRequest,
  DICOM_APPLICATION_CONTEXT,
  PduType,
  RejectReason,
  RejectResult,
} from '../dimse/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { addressForms, addressTest, isAddressRange } from '../match/index.ts'

type Rule = Config['receiver']['allow'][number]

export interface AccessOptions {
  readonly aeTitle: string
  /** Any called AE title is ours: it routes. */
  readonly promiscuous: boolean
  /** Empty lets everybody in; else one rule must fit in all it says. */
  readonly allow: readonly Rule[]
  readonly maxAssociations: number
  /** Of one peer's address, so that it cannot keep all others out; absent: as many as in all. */
  readonly maxAssociationsPerAddress?: number | undefined
}

/** Associations in progress. */
export interface Load {
  readonly associations: number
  /** Of the address that asks. */
  readonly ofAddress: number
}

export function loadOf(
  associations: Iterable<{ readonly address: string }>,
  address: string,
): Load {
  let [all, ofAddress] = [0, 0]
  for (const association of associations) {
    all++
    if (association.address === address) ofAddress++
  }
  return { associations: all, ofAddress }
}

/** No controls (C0, C1, DEL) and no backslash, PS3.5 table 6.2-1: an AE title goes into logs, records and file headers. */
const aeTitlePattern = /^[^\\\u0000-\u001f\u007f-\u009f]{1,16}$/

/** Who may associate. */
export class Access {
  readonly #options: AccessOptions
  readonly #rules: readonly {
    readonly callingAET: string | undefined
    readonly isFrom: ((address: string) => boolean) | undefined
  }[]

  /** @throws FionaError E_CONFIG (exit 78) for an address that is none */
  constructor(options: AccessOptions) {
    this.#options = options
    this.#rules = options.allow.map(({ callingAET, address }) => ({
      callingAET,
      isFrom: address === undefined ? undefined : requireRange(address),
    }))
  }

  /**
   * Why this request is refused, or undefined. What will never be accepted is told before what may be
   * accepted later.
   */
  refusal(request: AssociateRequest, address: string, load: Load): AssociateReject | undefined {
    const { calledAETitle, callingAETitle, applicationContext, protocolVersion } = request
    if ((protocolVersion & 1) === 0) {
      return permanent(RejectReason.acseProtocolVersionNotSupported)
    }
    if (applicationContext !== DICOM_APPLICATION_CONTEXT) {
      return permanent(RejectReason.applicationContextNotSupported)
    }
    if (!aeTitlePattern.test(callingAETitle) || !this.#isAllowed(callingAETitle, address)) {
      return permanent(RejectReason.callingAETitleNotRecognized)
    }
    const { aeTitle, promiscuous, maxAssociations, maxAssociationsPerAddress } = this.#options
    if (!aeTitlePattern.test(calledAETitle) || (!promiscuous && calledAETitle !== aeTitle)) {
      return permanent(RejectReason.calledAETitleNotRecognized)
    }
    if (
      load.associations >= maxAssociations ||
      load.ofAddress >= (maxAssociationsPerAddress ?? maxAssociations)
    ) {
      const { source, reason } = RejectReason.presentationLocalLimitExceeded
      return { type: PduType.AssociateReject, result: RejectResult.transient, source, reason }
    }
    return undefined
  }

  #isAllowed(callingAETitle: string, address: string): boolean {
    if (this.#rules.length === 0) return true
    return this.#rules.some(
      ({ callingAET, isFrom }) =>
        (callingAET === undefined || callingAET === callingAETitle) &&
        (isFrom === undefined || isFrom(address)),
    )
  }
}

function permanent(why: { readonly source: number; readonly reason: number }): AssociateReject {
  return { type: PduType.AssociateReject, result: RejectResult.permanent, ...why }
}

function requireRange(text: string): (address: string) => boolean {
  if (isAddressRange(text)) return addressTest(text)
  throw new FionaError('E_CONFIG', `receiver.allow: "${text}" is no address`, {
    hint: `write ${addressForms}; names are not looked up`,
    exitCode: ExitCode.badConfig,
  })
}
