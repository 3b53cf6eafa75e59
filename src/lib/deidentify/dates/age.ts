/** Ages above it are so rare that they identify; all of them are told as one (45 CFR 164.514(b)(2)(i)(C)). */
const oldestTold = 89
const unitsOfYear: Readonly<Record<string, number>> = { D: 365.25, W: 52.18, M: 12, Y: 1 }

/** Values of VR AS as they may be told: `090Y` for all above 89 years; undefined where one is no age. */
export function toldAges(text: string): string | undefined {
  const ages = text.split('\\').map((value) => toldAge(value.replaceAll('\0', ' ').trim()))
  return ages.includes(undefined) ? undefined : ages.join('\\')
}

function toldAge(value: string): string | undefined {
  if (value === '') return ''
  const [, number, unit = ''] = /^(\d{3})([DWMY])$/.exec(value) ?? []
  if (number === undefined) return undefined
  const years = Number(number) / (unitsOfYear[unit] ?? 1)
  return years >= oldestTold + 1 ? '090Y' : number + unit
}
