/** A UID has at most 64 characters (PS3.5 9.1), and two of them go into a byte. */
export const uidBytes = 32

const usual = /^[0-9.]{1,64}$/
const digits = '0123456789.'
const dot = 10
const end = 15
const charCodeOfZero = 48

export function canBePacked(uid: string): boolean {
  return usual.test(uid)
}

/** @param uid that `canBePacked` */
export function packUid(uid: string, into: Uint8Array, at: number): void {
  for (let byte = 0; byte < uidBytes; byte++) {
    into[at + byte] = (nibbleAt(uid, 2 * byte) << 4) | nibbleAt(uid, 2 * byte + 1)
  }
}

export function unpackUid(from: Uint8Array, at: number): string {
  let uid = ''
  for (let place = 0; place < 2 * uidBytes; place++) {
    const byte = from[at + (place >> 1)] ?? 0
    const nibble = place % 2 === 0 ? byte >> 4 : byte & 15
    if (nibble === end) break
    uid += digits.charAt(nibble)
  }
  return uid
}

function nibbleAt(uid: string, place: number): number {
  if (place >= uid.length) return end
  const digit = uid.charCodeAt(place) - charCodeOfZero
  return digit < 0 ? dot : digit
}
