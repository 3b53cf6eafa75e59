import { hash } from 'node:crypto'
import type { OutElement } from '../dicom/index.ts'
import { decide } from './action.ts'
import { beyondTheTable, machineWritten } from './beyond-the-table.ts'
import { confidentialityProfileData } from './confidentiality-profile-data.ts'
import { allPolicies } from './object-policy.ts'
import { reviewPixels } from './pixel-policy.ts'
import type { Profile } from './profile.ts'
import { retiredTextData } from './retired-text-data.ts'

/** Raised when the rules in code change what comes out of the same tables. */
const rulesVersion = 1

/** The Basic Application Level Confidentiality Profile (PS3.15 E.2), without options. */
export function basicProfile(): Profile {
  made ??= {
    name: 'basic',
    digest: digestOfTables(),
    statement: {
      methods: ['FIONA: PS3.15 2024e Basic Application Confidentiality Profile'],
      codes: [methodCode('113100', 'Basic Application Confidentiality Profile')],
      longitudinal: 'REMOVED',
    },
    decide,
    pixels: reviewPixels,
  }
  return made
}

let made: Profile | undefined

function digestOfTables(): string {
  return hash(
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
}

function methodCode(value: string, meaning: string): readonly OutElement[] {
  return [
    ascii(0x00080100, 'SH', value),
    ascii(0x00080102, 'SH', 'DCM'),
    ascii(0x00080104, 'LO', meaning),
  ]
}

function ascii(tag: number, vr: string, value: string): OutElement {
  return { tag, vr, value: Buffer.from(value, 'latin1') }
}
