import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { attributeValue } from '../../src/lib/classify/attribute-value.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'

const script = `import json, sys, warnings
warnings.simplefilter('ignore')
import pydicom
out = {}
for element in pydicom.dcmread(sys.argv[1], stop_before_pixels=True):
    if element.VR != 'SQ' and element.value is not None and not element.tag.is_private:
        out[str(int(element.tag))] = str(element.value)
print(json.dumps(out))`

t.test('a value reads as pydicom says it', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'fiona-classify-')), 'ct.dcm')
  const elements = [
    el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', 'M', 'NORM']),
    el(0x00080070, 'LO', 'L\'Example "Maker"'),
    el(0x00100010, 'PN', 'Example^Patient'),
    el(0x00101001, 'PN', ['One^Name', 'Other^Name']),
    el(0x00180081, 'DS', '2.980'),
    el(0x00181310, 'US', [0, 256, 256, 0]),
    el(0x00189087, 'FD', 1000),
    el(0x00189089, 'FD', [0.1, -1, 0.00001]),
    el(0x00200037, 'DS', ['1.0', '-0', '0', '0', '1e0', '0']),
    el(0x00280009, 'AT', [0x00181063]),
    el(0x00280106, 'US', 7),
  ]
  writeFileSync(path, ctImage({ elements }))
  const python = spawnSync('/usr/bin/python3', ['-c', script, path])
  if (python.status !== 0) {
    t.comment('skipped: needs /usr/bin/python3 with pydicom')
    return
  }
  const expected = JSON.parse(python.stdout.toString()) as Record<string, string>
  const file = DicomFile.open(path, { stopAtPixelData: true })
  t.teardown(() => {
    file.close()
  })
  t.ok(Object.keys(expected).length > 40)
  for (const [tag, text] of Object.entries(expected)) {
    t.equal(attributeValue(file, Number(tag))?.text, text, Number(tag).toString(16))
  }
})
