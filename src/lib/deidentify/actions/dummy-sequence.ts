import { type OutElement, textElement } from '../../dicom/index.ts'
import { dummyText } from './dummy.ts'
import { type Rewriting, newUid } from '../rewriting.ts'

/** A code that means nothing, under a local scheme (PS3.3 8.2). */
function dummyCode(): OutElement[] {
  return [
    textElement(0x00080100, 'SH', dummyText),
    textElement(0x00080102, 'SH', '99FIONA'),
    textElement(0x00080104, 'LO', dummyText),
  ]
}

function person(): OutElement[] {
  return [
    textElement(0x00080080, 'LO', dummyText),
    { tag: 0x00401101, vr: 'SQ', items: [dummyCode()] },
  ]
}

/**
 * The items of a sequence that must not be empty, and of which nothing may remain: the least that its
 * own attributes demand. Whatever is not here is a sequence of codes.
 */
export function dummySequence(tag: number, rewriting: Rewriting): OutElement[][] {
  switch (tag) {
    case 0x00081111: // ReferencedPerformedProcedureStepSequence
      return [
        [
          textElement(0x00081150, 'UI', '1.2.840.10008.3.1.2.3.3'),
          textElement(0x00081155, 'UI', newUid(`${dummyText} performed procedure step`, rewriting)),
        ],
      ]
    case 0x00081072: // OperatorIdentificationSequence
      return [person()]
    case 0x0040a073: // VerifyingObserverSequence
      return [
        [
          textElement(0x0040a027, 'LO', dummyText),
          textElement(0x0040a030, 'DT', '19000101000000'),
          textElement(0x0040a075, 'PN', dummyText),
          { tag: 0x0040a088, vr: 'SQ', items: [] },
        ],
      ]
    case 0x00340001: // FlowIdentifierSequence
      return [
        [
          { tag: 0x00340002, vr: 'OB', value: Buffer.alloc(2) },
          textElement(0x00340005, 'OB', '\0\0'),
        ],
      ]
    default:
      return [dummyCode()]
  }
}
