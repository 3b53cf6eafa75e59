import { ExitCode, FionaError } from '../../error/index.ts'

/** Columns of PS3.15 Table E.1-1, in the order of the letters in `confidentiality-profile-data.ts`. */
export const tableOptions = [
  'retainSafePrivate',
  'retainUids',
  'retainDeviceIdentity',
  'retainInstitutionIdentity',
  'retainPatientCharacteristics',
  'retainLongitudinalFullDates',
  'retainLongitudinalModifiedDates',
  'cleanDescriptors',
  'cleanStructuredContent',
  'cleanGraphics',
] as const
export type TableOption = (typeof tableOptions)[number]

/** Options that the table does not know: they are about pixels, and here they are only stated. */
export const pixelOptions = ['cleanPixelData', 'cleanRecognizableVisualFeatures'] as const
export type ProfileOption = TableOption | (typeof pixelOptions)[number]

/** De-identification methods of PS3.16 CID 7050 (2024): code value, code meaning; coding scheme DCM. */
export const methodCodes: Readonly<Record<'basic' | ProfileOption, readonly [string, string]>> = {
  basic: ['113100', 'Basic Application Confidentiality Profile'],
  cleanPixelData: ['113101', 'Clean Pixel Data Option'],
  cleanRecognizableVisualFeatures: ['113102', 'Clean Recognizable Visual Features Option'],
  cleanGraphics: ['113103', 'Clean Graphics Option'],
  cleanStructuredContent: ['113104', 'Clean Structured Content Option'],
  cleanDescriptors: ['113105', 'Clean Descriptors Option'],
  retainLongitudinalFullDates: [
    '113106',
    'Retain Longitudinal Temporal Information Full Dates Option',
  ],
  retainLongitudinalModifiedDates: [
    '113107',
    'Retain Longitudinal Temporal Information Modified Dates Option',
  ],
  retainPatientCharacteristics: ['113108', 'Retain Patient Characteristics Option'],
  retainDeviceIdentity: ['113109', 'Retain Device Identity Option'],
  retainUids: ['113110', 'Retain UIDs Option'],
  retainSafePrivate: ['113111', 'Retain Safe Private Option'],
  retainInstitutionIdentity: ['113112', 'Retain Institution Identity Option'],
}

export function isProfileOption(name: string): name is ProfileOption {
  return name !== 'basic' && Object.hasOwn(methodCodes, name)
}

/** What is wrong with them together (PS3.15 E.3.6): E_PROFILE. */
export function contradictoryOptions(options: ReadonlySet<ProfileOption>): FionaError | undefined {
  const isFull = options.has('retainLongitudinalFullDates')
  if (!isFull || !options.has('retainLongitudinalModifiedDates')) return undefined
  return new FionaError('E_PROFILE', 'a profile cannot keep dates and shift them, too', {
    hint: 'take one of retainLongitudinalFullDates and retainLongitudinalModifiedDates',
    exitCode: ExitCode.badConfig,
  })
}

/** Each once, in a fixed order. */
export function inOrder(options: readonly ProfileOption[]): readonly ProfileOption[] {
  const chosen = new Set(options)
  return [...tableOptions, ...pixelOptions].filter((option) => chosen.has(option))
}
