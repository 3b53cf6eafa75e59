import { type TestElement, el, sq } from '../fixtures/dicom-writer.ts'

export const secretUid = '1.2.3.77665544'

/** Something of the right VR that must not remain. */
export function plantedValue(tag: number, vr: string, secret: string): TestElement {
  switch (vr) {
    case 'SQ':
      return sq(tag, [
        [
          // References to images stay: a name in them would hold the study.
          ...(isReferenceToImages(tag)
            ? []
            : [el(0x00080100, 'SH', secret), el(0x00080104, 'LO', `${secret} Hospital`)]),
          el(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.2'),
          el(0x00081155, 'UI', secretUid),
        ],
      ])
    case 'UI':
      return el(tag, vr, secretUid)
    case 'DA':
      return el(tag, vr, '20230917')
    case 'TM':
      return el(tag, vr, '141516')
    case 'DT':
      return el(tag, vr, '20230917141516')
    case 'AS':
      return el(tag, vr, '077Y')
    case 'DS':
    case 'IS':
      return el(tag, vr, '7766')
    case 'US':
      return el(tag, vr, 7766)
    case 'OB':
    case 'UN':
      return el(tag, vr, Buffer.from(`${secret}0`, 'latin1'))
    default:
      return el(tag, vr, vr === 'AE' || vr === 'CS' || vr === 'SH' ? secret.toUpperCase() : secret)
  }
}

function isReferenceToImages(tag: number): boolean {
  return tag === 0x00081140 || tag === 0x00082112
}
