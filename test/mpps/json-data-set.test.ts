// pydicom writes the data sets, in its own encoding, and says them in the DICOM JSON Model itself.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { itemsOf, textOf, textsOf, toJson } from '../../src/lib/mpps/json-data-set.ts'
import { dataSetBytes, el, sq, syntax } from '../fixtures/dicom-writer.ts'
import { missingPydicom } from '../fixtures/peers.ts'

const script = `
import base64, io, json, sys
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

def step(charset, name, text):
    item = Dataset()
    item.StudyInstanceUID = '1.2.3'
    item.AccessionNumber = ''
    item.RequestedProcedureDescription = text
    s = Dataset()
    s.SpecificCharacterSet = charset
    s.PatientName = name
    s.PatientID = 'A'
    s.PatientBirthDate = ''
    s.PerformedProcedureStepDescription = text
    s.CommentsOnThePerformedProcedureStep = text
    s.ExposureTime = '120'
    s.TotalNumberOfExposures = 3
    s.DistanceSourceToDetector = '1000.5'
    s.ScheduledStepAttributesSequence = [item]
    s.PerformedSeriesSequence = []
    s.add_new(0x00090010, 'LO', 'MAKER')
    s.add_new(0x00091001, 'OB', b'\\x00\\x01\\x02\\x03')
    return s

cases = [
    ('ISO_IR 100', 'M\\u00fcller^J\\u00f6rg', 'Sch\\u00e4del'),
    ('ISO_IR 192', 'Yamada^Tarou=\\u5c71\\u7530^\\u592a\\u90ce=\\u3084\\u307e\\u3060^\\u305f\\u308d\\u3046', '\\u80f8'),
    (['', 'ISO 2022 IR 87'], 'Yamada^Tarou=\\u5c71\\u7530^\\u592a\\u90ce', '\\u80f8'),
    ('ISO_IR 144', '\\u041b\\u044e\\u043ac\\u0435\\u043c', '\\u0413'),
]
out = []
for charset, name, text in cases:
    for implicit in (False, True):
        s = step(charset, name, text)
        s.is_little_endian = True
        s.is_implicit_VR = implicit
        buffer = DicomBytesIO()
        buffer.is_little_endian = True
        buffer.is_implicit_VR = implicit
        write_dataset(buffer, s)
        out.append({
            'syntax': '1.2.840.10008.1.2' if implicit else '1.2.840.10008.1.2.1',
            'bytes': base64.b64encode(buffer.getvalue()).decode(),
            'json': s.to_json_dict(),
        })
print(json.dumps(out))
`
interface Case {
  readonly syntax: string
  readonly bytes: string
  readonly json: Readonly<Record<string, unknown>>
}

t.test(
  'a data set of any character set reads as pydicom says it',
  { skip: missingPydicom() },
  (t) => {
    const { stdout, stderr } = spawnSync('/usr/bin/python3', ['-c', script], { encoding: 'utf8' })
    t.equal(stderr, '')
    const cases = JSON.parse(stdout) as Case[]
    t.equal(cases.length, 8)
    for (const { syntax, bytes, json } of cases) {
      using file = DicomFile.fromDataSet(Buffer.from(bytes, 'base64'), syntax)
      const read = toJson(file)
      for (const tag of ['00100010', '00100020', '00100030', '00400254', '00400280', '00400270']) {
        // Our empty values have none, pydicom's may have an empty one.
        t.same(withoutNothing(read[tag]), withoutNothing(json[tag]), `${syntax} ${tag}`)
      }
      t.same(read['00400301'], { vr: 'US', Value: [3] })
      t.same(read['00181150'], { vr: 'IS', Value: ['120'] }, 'text stays text')
      t.match(read['00091001'], { InlineBinary: 'AAECAw==' })
      t.equal(read['00080005'], undefined, 'it is Unicode now')
    }
    t.end()
  },
)

/** Without empty lists, texts and names, at any depth. */
function withoutNothing(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutNothing)
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, withoutNothing(inner)] as const)
      .filter(([, inner]) => inner !== '' && !(Array.isArray(inner) && inner.length === 0)),
  )
}

t.test('values are asked for as what they are', (t) => {
  const elements = [
    el(0x00100010, 'PN', 'A^B==C'),
    el(0x00100020, 'LO', ['one', '', 'three']),
    el(0x00280010, 'US', [1, 2]),
    el(0x00400253, 'UN', Buffer.from('PPS1')),
    el(0x00400301, 'UN', Buffer.from([7, 0])),
    sq(0x00400340, [[el(0x0020000e, 'UI', '1.2')], []]),
  ]
  using file = DicomFile.fromDataSet(dataSetBytes(elements), syntax.explicit)
  const read = toJson(file)
  t.same(textsOf(read, '00100010'), ['A^B==C'], 'component groups in their places')
  t.same(read['00100020']?.Value, ['one', null, 'three'])
  t.equal(textOf(read, '00280010'), undefined, 'numbers are no text')
  t.equal(textOf(read, '00400253'), 'PPS1', 'a text that came as UN')
  t.same(read['00400301'], { vr: 'US', Value: [7] })
  t.equal(textOf(read, '00400340'), undefined)
  t.equal(itemsOf(read, '00400340').length, 2)
  t.same(itemsOf(read, '00100010'), [], 'a name is no item')
  t.end()
})
