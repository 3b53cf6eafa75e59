import { type DataSet, type OutElement, textElement } from '../../dicom/index.ts'
import { ContentTag as Tag } from './content-tags.ts'
import type { Place } from '../place.ts'
import type { Surroundings } from '../surroundings.ts'

const oldestTold = 89
/** By the codes of UCUM. */
const unitsOfYear: Readonly<Record<string, number>> = { d: 365.25, wk: 52.18, mo: 12, a: 1 }

/** Concepts of the Subject Context (PS3.16 TID 1007) by what they tell of the patient, as `value scheme`. */
const concepts: Readonly<Record<string, 'birthDate' | 'sex' | 'age'>> = {
  '121031 DCM': 'birthDate',
  '21112-8 LN': 'birthDate',
  '184099003 SCT': 'birthDate',
  '121032 DCM': 'sex',
  '121033 DCM': 'age',
  '30525-0 LN': 'age',
  '424144002 SCT': 'age',
}

/**
 * Content items one by one (PS3.15 E.3.4): codes, numbers, coordinates and references stay; texts are cleaned, and
 * names, dates and UIDs treated as anywhere, by the rules for the attributes they are in. Every item stays where
 * it is: others refer to it by its position. What an item tells of the patient by its concept follows the rules
 * for the attribute of that meaning.
 */
export function cleanedContent(place: Place): OutElement[][] {
  const { around, element, rewriteItem } = place
  return (element.items ?? []).map((item) => {
    const inside = around.inside(element.tag, item)
    return withoutCharacteristics(rewriteItem(inside), inside, place)
  })
}

function withoutCharacteristics(
  elements: OutElement[],
  inside: Surroundings,
  { rewriting: { profile } }: Place,
): OutElement[] {
  const told = concepts[conceptOf(inside)]
  if (told === undefined) return elements
  // No option keeps a birth date, shifted or not.
  if (told === 'birthDate') {
    const withoutDate = replaced(elements, textElement(Tag.DateValue, 'DA', '19000101'))
    return replaced(withoutDate, textElement(Tag.DateTimeValue, 'DT', '19000101000000'))
  }
  const retains = profile.options.has('retainPatientCharacteristics')
  if (told === 'sex') return retains ? elements : replaced(elements, undeterminedSex)
  if (retains && !isOld(inside)) return elements
  return replaced(elements, { tag: Tag.MeasuredValueSequence, vr: 'SQ', items: [] })
}

function conceptOf({ file, dataSet }: Surroundings): string {
  const [code] = dataSet.get(Tag.ConceptNameCodeSequence)?.items ?? []
  if (code === undefined) return ''
  return `${file.string(code, 0x00080100) ?? ''} ${file.string(code, 0x00080102) ?? ''}`
}

/** What is not certainly less is old. */
function isOld({ file, dataSet }: Surroundings): boolean {
  return (dataSet.get(Tag.MeasuredValueSequence)?.items ?? []).some((item: DataSet) => {
    const [units] = item.get(Tag.MeasurementUnitsCodeSequence)?.items ?? []
    const unit = units && file.string(units, 0x00080100)
    const [age = Number.NaN] = file.numbers(item, Tag.NumericValue)
    const years = age / (unitsOfYear[unit ?? ''] ?? Number.NaN)
    return !(years < oldestTold + 1)
  })
}

/** (121103, DCM, "Undetermined sex") of PS3.16 CID 7455. */
const undeterminedSex: OutElement = {
  tag: Tag.ConceptCodeSequence,
  vr: 'SQ',
  items: [
    [
      textElement(0x00080100, 'SH', '121103'),
      textElement(0x00080102, 'SH', 'DCM'),
      textElement(0x00080104, 'LO', 'Undetermined sex'),
    ],
  ],
}

/** Where the item has such a value; what it does not have it need not get. */
function replaced(elements: readonly OutElement[], by: OutElement): OutElement[] {
  return elements.map((element) => (element.tag === by.tag ? by : element))
}
