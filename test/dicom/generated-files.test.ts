// The reader beside pydicom and dcmjs, value by value, over files that nobody wrote by hand. The same ones each time,
// unless told otherwise: FIONA_SEED=7 FIONA_FILES=5000 node scripts/test.mjs test/dicom/generated-files.test.ts
import fc from 'fast-check'
import t from 'tap'
import {
  everything,
  type Generated,
  type GeneratedFile,
  generatedFiles,
} from '../fixtures/generated-files.ts'
import { missingPydicom } from '../fixtures/peers.ts'
import { besideDcmjs } from './beside-dcmjs.ts'
import { besidePydicom } from './beside-pydicom.ts'
import type { Difference } from './readings.ts'

const seed = Number(process.env['FIONA_SEED'] ?? 1)
const numRuns = Number(process.env['FIONA_FILES'] ?? 150)
const sample = (of: Generated): GeneratedFile[] => fc.sample(generatedFiles(of), { seed, numRuns })

/** With the file, to try it again. */
function report({ bytes, terms, transferSyntax }: GeneratedFile, found: readonly Difference[]) {
  return found.length === 0
    ? []
    : [{ found, terms, transferSyntax, file: bytes.toString('base64') }]
}

t.test(
  `pydicom reads the same out of ${String(numRuns)} generated files (seed ${String(seed)})`,
  { skip: missingPydicom() },
  async (t) => {
    const files = sample(everything)
    const found = besidePydicom(files.map(({ bytes }) => bytes))
    t.equal(found.length, numRuns)
    t.same(
      files.flatMap((file, at) => report(file, found[at] ?? [])),
      [],
    )
  },
)

/**
 * What dcmjs 0.50 can read. It knows no code extensions, reads texts in items in ISO 8859-1 or in what a former item
 * declared, and is lost behind a value of odd length, an empty AT (of which it reads four bytes), and one of the newer
 * VRs (of which it reads a length of 16 bits).
 */
const readableByDcmjs: Generated = {
  ...everything,
  charsets: everything.charsets.filter(({ terms }) => terms.length <= 1),
  itemCharsets: [],
  vrs: everything.vrs.filter((vr) => !['AT', 'OL', 'OV', 'SV', 'UV'].includes(vr)),
  odd: false,
}

t.test(`dcmjs reads the same out of ${String(numRuns)} of those that it can read`, async (t) => {
  const files = sample(readableByDcmjs)
  t.equal(files.length, numRuns)
  t.same(
    files.flatMap((file) => report(file, besideDcmjs(file.bytes))),
    [],
  )
})
