import type { OutElement } from './encode-data-set.ts'

/** An element of ASCII text: a UID, a code, a name of ours. It is padded when it is written. */
export function textElement(tag: number, vr: string, value: string): OutElement {
  return { tag, vr, value: Buffer.from(value, 'latin1') }
}
