import { type TestElement, dataSetBytes, el } from '../../fixtures/dicom-writer.ts'
import { type Secret } from './find-leaks.ts'
import { forbidden, ofPerson } from '../planted.ts'

export const storage = '1.2.840.10008.5.1.4.1.1.'

/** A surname that nothing else in the object tells: only a rule can remove it, no search finds it. */
export const stranger = 'Vexqolith'

/** What is nowhere but where it was planted. What of it is in an object must not come out. */
export const secrets: readonly Secret[] = [
  stranger,
  'Ödenwaldt',
  'Смирновская',
  '張偉明',
  'ヤマダタロウ',
  Buffer.from('d5c5ceb0c3f7', 'hex'),
  ...[...new Set(forbidden.map(({ bytes }) => bytes.toString('latin1').toLowerCase()))].map(
    // Text is looked for in other encodings, too, and in what another reader decodes.
    (text) => (/^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text, 'latin1')),
  ),
]

export const reference = [
  el(0x00081150, 'UI', `${storage}2`),
  el(0x00081155, 'UI', '1.2.826.0.1.77665544.7'),
] satisfies TestElement[]

export const code = (meaning: string): TestElement[] => [
  el(0x00080100, 'SH', '1'),
  el(0x00080102, 'SH', 'DCM'),
  el(0x00080104, 'LO', meaning),
]

/** An object of another class than CT, without pixels. */
export function withoutPixels(sopClass: string, elements: readonly TestElement[]): Buffer {
  return ofPerson({
    without: [0x7fe00010],
    elements: [el(0x00080016, 'UI', `${storage}${sopClass}`), ...elements],
  })
}

export function ofClass(sopClass: string, elements: readonly TestElement[]): Buffer {
  return ofPerson({ elements: [el(0x00080016, 'UI', `${storage}${sopClass}`), ...elements] })
}

/** An item as it stands in a UN: implicit VR little endian (PS3.5 6.2.2). */
export function unItem(elements: readonly TestElement[]): Buffer {
  const content = dataSetBytes(elements, { explicitVR: false })
  const header = Buffer.from('feff00e000000000', 'hex')
  header.writeUInt32LE(content.length, 4)
  return Buffer.concat([header, content])
}
