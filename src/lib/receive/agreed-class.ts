import type { Operation } from '../dimse/index.ts'
import { isUid } from '../uid/index.ts'
import { isStorageClass } from './accepted-syntaxes.ts'

/**
 * How the SOP class of a C-STORE request stands to the one its presentation context was agreed for. In
 * DIMSE-C they are to be the same (the exemption of PS3.7 10.1 is for DIMSE-N only), but DCMTK's storescp 3.6.7
 * and Orthanc 1.10.1 look at neither, and take any class in any context: senders that put all they have into
 * one context get through there. So they do here, as the bytes are whole and the context says how they are
 * encoded; but what could not have been agreed is not let in through a context that could.
 * - `agreed`: the same, or no UID: what the object says of itself decides about that
 * - `otherClass`: another one, which would have been accepted in a context of its own
 * - `neverAgreed`: no storage class, or the context is for no storage (Verification)
 */
export function classAgreement(
  { command, context }: Operation,
  promiscuous: boolean,
): 'agreed' | 'otherClass' | 'neverAgreed' {
  const SOPClassUID = command.AffectedSOPClassUID ?? ''
  if (!isStorageClass(context.abstractSyntax, promiscuous)) return 'neverAgreed'
  if (!isUid(SOPClassUID) || SOPClassUID === context.abstractSyntax) return 'agreed'
  return isStorageClass(SOPClassUID, promiscuous) ? 'otherClass' : 'neverAgreed'
}
