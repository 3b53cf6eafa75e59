import { isUid } from '../../uid/index.ts'

/** Most characters of a value (PS3.5 6.2). */
const longest: Readonly<Record<string, number>> = {
  AE: 16,
  AS: 4,
  CS: 16,
  DA: 8,
  DS: 16,
  DT: 26,
  IS: 12,
  LO: 64,
  LT: 10240,
  PN: 64,
  SH: 16,
  ST: 1024,
  TM: 14,
  UC: 65536,
  UI: 64,
  UR: 65536,
  UT: 65536,
}

/** How values of a VR look, where not any text will do. */
const forms: Readonly<Record<string, (value: string) => boolean>> = {
  AS: (value) => /^\d{3}[DWMY]$/.test(value),
  CS: (value) => /^[A-Z0-9_ ]*$/.test(value),
  DA: (value) => /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/.test(value),
  DS: (value) => /^[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?$/.test(value),
  DT: (value) => /^\d{4}(?:\d\d){0,5}(?:\.\d{1,6})?(?:[+-]\d{4})?$/.test(value),
  IS: (value) => /^[+-]?\d+$/.test(value) && Math.abs(Number(value)) <= 2 ** 31,
  TM: (value) => /^\d\d(?:\d\d){0,2}(?:\.\d{1,6})?$/.test(value),
  UI: isUid,
}

/** Most characters a value of this VR has; undefined for VRs that are no text. */
export function longestOf(vr: string): number | undefined {
  return longest[vr]
}

/** Why a text cannot be a value of this VR; undefined when it can. Nothing can be a value of any. */
export function misfit(value: string, vr: string): string | undefined {
  const most = longest[vr]
  if (most === undefined) return `${vr} holds no text`
  if (value === '') return undefined
  if (value.length > most)
    return `${String(value.length)} characters are more than the ${String(most)} of ${vr}`
  return forms[vr]?.(value) === false ? `it does not look like ${vr}` : undefined
}
