import { type DataSet, type OutElement, textElement } from '../../dicom/index.ts'
import { dummyText } from '../actions/dummy.ts'
import { ContentTag as Tag } from './content-tags.ts'
import type { Place } from '../place.ts'
import type { Rewriting } from '../rewriting.ts'
import type { Surroundings } from '../surroundings.ts'

/** Content items that are references to other objects (PS3.3 C.17.3.2): nothing in them is text. */
const references = new Set(['IMAGE', 'COMPOSITE', 'WAVEFORM'])

/**
 * What remains of a content tree (PS3.15: D): its references, with their new UIDs, in one level. So a key
 * object still points at its images. Where there are none, one item that says nothing: the sequence
 * may not be empty. Cleaning the other items one by one is an option of its own (PS3.15 E.3.3).
 */
export function referencesOf(place: Place): OutElement[][] {
  const { around, element } = place
  const kept = [...referencesIn(element.items ?? [], around, place)]
  return kept.length > 0 ? kept : [emptyRemark()]
}

function* referencesIn(
  items: readonly DataSet[],
  around: Surroundings,
  place: Place,
): Generator<OutElement[], void, undefined> {
  for (const item of items) {
    const inside = around.inside(Tag.ContentSequence, item)
    const valueType = around.file.string(item, Tag.ValueType) ?? ''
    if (references.has(valueType) && item.get(Tag.ReferencedSOPSequence) !== undefined) {
      yield [
        textElement(Tag.RelationshipType, 'CS', 'CONTAINS'),
        textElement(Tag.ValueType, 'CS', valueType),
        ...place.rewriteItem(inside, [Tag.ReferencedSOPSequence]),
      ]
    }
    yield* referencesIn(item.get(Tag.ContentSequence)?.items ?? [], inside, place)
  }
}

function emptyRemark(): OutElement[] {
  return [
    textElement(Tag.RelationshipType, 'CS', 'CONTAINS'),
    textElement(Tag.ValueType, 'CS', 'TEXT'),
    {
      tag: Tag.ConceptNameCodeSequence, // Tag.ConceptNameCodeSequence
      vr: 'SQ',
      items: [
        [
          textElement(0x00080100, 'SH', '121106'),
          textElement(0x00080102, 'SH', 'DCM'),
          textElement(0x00080104, 'LO', 'Comment'),
        ],
      ],
    },
    textElement(Tag.TextValue, 'UT', dummyText),
  ]
}

/**
 * Graphic annotations (PS3.3 C.10.5): their layer and the images they belong to remain; text and
 * drawings, in which a name may be written, become one point in the corner.
 */
export function withoutGraphics({
  around,
  element,
  rewriting,
  rewriteItem,
}: Place): OutElement[][] {
  return (element.items ?? []).map((item) => [
    ...rewriteItem(around.inside(element.tag, item), [
      Tag.ReferencedImageSequence,
      Tag.GraphicLayer,
    ]),
    { tag: Tag.GraphicObjectSequence, vr: 'SQ', items: [pointInTheCorner(rewriting)] },
  ])
}

function pointInTheCorner({ file: { littleEndian } }: Rewriting): OutElement[] {
  const one = Buffer.alloc(2)
  const two = Buffer.alloc(2)
  if (littleEndian) {
    one.writeUInt16LE(1)
    two.writeUInt16LE(2)
  } else {
    one.writeUInt16BE(1)
    two.writeUInt16BE(2)
  }
  return [
    textElement(0x00700005, 'CS', 'DISPLAY'), // GraphicAnnotationUnits
    { tag: 0x00700020, vr: 'US', value: two }, // GraphicDimensions
    { tag: 0x00700021, vr: 'US', value: one }, // NumberOfGraphicPoints
    { tag: 0x00700022, vr: 'FL', value: Buffer.alloc(8) }, // GraphicData
    textElement(0x00700023, 'CS', 'POINT'), // GraphicType
    textElement(0x00700024, 'CS', 'N'), // GraphicFilled
  ]
}
