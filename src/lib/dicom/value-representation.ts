/** VRs whose explicit length field has 32 bits, after two reserved bytes (PS3.5 7.1.2). */
const longForm = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' '))
/** VRs whose explicit length field has 16 bits. */
const shortForm = new Set(
  'AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '),
)

export function isKnownVR(vr: string): boolean {
  return longForm.has(vr) || shortForm.has(vr)
}

/** A VR that we do not know has the long form (PS3.5 6.2, note on future VRs). */
export function hasLongForm(vr: string): boolean {
  return !shortForm.has(vr)
}

/** Text that Specific Character Set (0008,0005) governs (PS3.5 6.1.2.2). */
const characterSetVRs = new Set('LO LT PN SH ST UC UT'.split(' '))
export function usesCharacterSet(vr: string): boolean {
  return characterSetVRs.has(vr)
}

/** All VRs whose value is a character string. */
const textVRs = new Set('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT'.split(' '))
export function isText(vr: string): boolean {
  return textVRs.has(vr)
}

/** Text in which a backslash is a character like any other: never more than one value (PS3.5 6.4). */
const singleValued = new Set('LT ST UR UT'.split(' '))
export function splitsAtBackslash(vr: string): boolean {
  return !singleValued.has(vr)
}

/** Text whose leading spaces mean something; trailing ones never do (PS3.5 6.2). */
const keepsLeadingSpace = new Set('LT ST UC UT'.split(' '))
export function leadingSpaceCounts(vr: string): boolean {
  return keepsLeadingSpace.has(vr)
}

/** What makes an odd value even (PS3.5 6.2): text takes a space, UIDs and binary values a NUL. */
export function paddingByte(vr: string): number {
  return vr !== 'UI' && textVRs.has(vr) ? 0x20 : 0x00
}

/** How many bytes of a value are one number, the unit in which byte order counts; 1 for text. */
const unitBytes: Readonly<Record<string, number>> = {
  AT: 2,
  FD: 8,
  FL: 4,
  OD: 8,
  OF: 4,
  OL: 4,
  OV: 8,
  OW: 2,
  SL: 4,
  SS: 2,
  SV: 8,
  UL: 4,
  US: 2,
  UV: 8,
}
export function bytesPerUnit(vr: string): number {
  return unitBytes[vr] ?? 1
}
