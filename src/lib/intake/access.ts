import { BlockList, isIP } from 'node:net'
import { type Config, isAddressRange } from '../config/index.ts'
import {
  type AssociateReject,
  type AssociateRequest,
  DICOM_APPLICATION_CONTEXT,
  PduType,
  RejectReason,
  RejectResult,
} from '../dimse/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

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
    readonly addresses: BlockList | undefined
  }[]

  /** @throws FionaError E_CONFIG (exit 78) for an address that is none */
  constructor(options: AccessOptions) {
    this.#options = options
    this.#rules = options.allow.map(({ callingAET, address }) => ({
      callingAET,
      addresses: address === undefined ? undefined : addressesOf(address),
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
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    return this.#rules.some(
      ({ callingAET, addresses }) =>
        (callingAET === undefined || callingAET === callingAETitle) &&
        (addresses === undefined || (isIP(address) !== 0 && addresses.check(address, family))),
    )
  }
}

function permanent(why: { readonly source: number; readonly reason: number }): AssociateReject {
  return { type: PduType.AssociateReject, result: RejectResult.permanent, ...why }
}

/** `10.1.0.0/16`, `2001:db8::/32`, or one address. */
function addressesOf(text: string): BlockList {
  const [address = '', prefix] = text.split('/')
  const version = isIP(address)
  const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix)
  if (!isAddressRange(text)) {
    throw new FionaError('E_CONFIG', `receiver.allow: "${text}" is no address`, {
      hint: 'write 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32; names are not looked up',
      exitCode: ExitCode.badConfig,
    })
  }
  const list = new BlockList()
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4')
  return list
}
