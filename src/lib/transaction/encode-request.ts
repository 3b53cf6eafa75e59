import { type OutElement, encodeDataSet, encodingOf, textElement } from '../dicom/index.ts'
import { Tag } from './sop-class.ts'
import type { Transaction } from './transactions.ts'

/** The action information (PS3.4 table J.3-1). */
export function encodeRequest(
  { TransactionUID, objects }: Pick<Transaction, 'TransactionUID' | 'objects'>,
  transferSyntax: string,
): Buffer {
  const items = objects.map(({ SOPClassUID, SOPInstanceUID }) => [
    uid(Tag.ReferencedSOPClassUID, SOPClassUID),
    uid(Tag.ReferencedSOPInstanceUID, SOPInstanceUID),
  ])
  const elements: OutElement[] = [
    uid(Tag.TransactionUID, TransactionUID),
    { tag: Tag.ReferencedSOPSequence, vr: 'SQ', items },
  ]
  const parts = encodeDataSet(elements, encodingOf(transferSyntax))
  return Buffer.concat([...parts].filter((part) => Buffer.isBuffer(part)))
}

function uid(tag: number, value: string): OutElement {
  return textElement(tag, 'UI', value)
}
