/**
 * Attributes that no rule may speak of: what is read by them (character set, pixels), what names the object and its
 * study (folders and records say the same), and what de-identification says of itself.
 */
const why: ReadonlyMap<number, string> = new Map([
  ...of('says how all text of the object is read', 0x00080005),
  ...of('says what the object is', 0x00080016, 0x0020000d, 0x0020000e, 0x00080018),
  ...of('is what de-identification says of itself', 0x00120062, 0x00120063, 0x00120064, 0x00280303),
  ...of('says how the pixels are read', 0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010),
  ...of('says how the pixels are read', 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103),
])

function of(reason: string, ...tags: readonly number[]): (readonly [number, string])[] {
  return tags.map((tag) => [tag, reason] as const)
}

/** Why rules may not speak of it; undefined where they may. */
export function untouchableBecause(tag: number): string | undefined {
  const group = tag >>> 16
  if (group < 8) return 'is no attribute of a data set'
  if (group === 0x7fe0) return 'is, or describes, the pixels'
  if (group >= 0xfffc) return 'is no attribute of a data set'
  if ((tag & 0xffff) === 0) return 'is the length of a group'
  return why.get(tag)
}

export function isUntouchable(tag: number): boolean {
  return untouchableBecause(tag) !== undefined
}
