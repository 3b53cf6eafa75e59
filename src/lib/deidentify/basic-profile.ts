import { hash } from 'node:crypto'
import type { OutElement } from '../dicom/index.ts'
import { beyondTheTable, machineWritten } from './beyond-the-table.ts'
import { confidentialityProfileData } from './confidentiality-profile-data.ts'
import { allPolicies } from './object-policy.ts'
import { retiredTextData } from './retired-text-data.ts'

/** DeidentificationMethod (0012,0063): at most 64 characters. */
export const methodText = 'FIONA: PS3.15 2024e Basic Application Confidentiality Profile'

/** DeidentificationMethodCodeSequence (0012,0064), of PS3.16 CID 7050. */
export const methodCode: readonly OutElement[] = [
  ascii(0x00080100, 'SH', '113100'),
  ascii(0x00080102, 'SH', 'DCM'),
  ascii(0x00080104, 'LO', 'Basic Application Confidentiality Profile'),
]

/** Raised when the rules in code change what comes out of the same tables. */
const rulesVersion = 1

let digest: string | undefined

/** Tells two outputs made by different rules apart: SHA-256 of all tables that decide. */
export function profileDigest(): string {
  digest ??= hash(
    'sha256',
    JSON.stringify([
      rulesVersion,
      confidentialityProfileData,
      retiredTextData,
      [...beyondTheTable],
      [...machineWritten],
      allPolicies(),
    ]),
  )
  return digest
}

/** Texts that are written into every object. */
export const statementTexts: readonly string[] = [
  methodText,
  'Basic Application Confidentiality Profile',
]

function ascii(tag: number, vr: string, value: string): OutElement {
  return { tag, vr, value: Buffer.from(value, 'latin1') }
}
