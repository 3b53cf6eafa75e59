import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findIdentity } from '../../src/lib/demo/find-identity.ts'
import { makeDemoStudy } from '../../src/lib/demo/make-demo-study.ts'
import { missing, missingPydicom, run } from '../fixtures/peers.ts'

t.test('the demonstration study is valid DICOM', { skip: missing('dciodvfy') }, async (t) => {
  const { files } = await makeDemoStudy(t.testdir())
  for (const { path } of files) {
    const { stderr } = await run('dciodvfy', [path])
    t.notMatch(stderr, /^Error/m)
  }
})

t.test(
  'it has what is hard: report, presentation state, burned-in text, names beyond ASCII',
  { skip: missingPydicom() },
  async (t) => {
    const { files } = await makeDemoStudy(t.testdir())
    const script = `
import sys, pydicom
for path in sys.argv[1:]:
    d = pydicom.dcmread(path)
    print(d.Modality, d.get('BurnedInAnnotation', '-'), str(d.PatientName))`
    const { stdout } = await run(
      '/usr/bin/python3',
      ['-c', script, ...files.map(({ path }) => path)],
      {
        env: { PYTHONIOENCODING: 'utf-8' },
      },
    )
    const lines = stdout.trim().split('\n')
    t.equal(lines.filter((line) => line.includes('Yamada^Tarou=山田^太郎=やまだ^たろう')).length, 9)
    t.equal(lines.filter((line) => line.includes('Hong^Gildong=洪^吉洞=홍^길동')).length, 3)
    for (const modality of ['CT', 'MR', 'SR', 'PR']) {
      t.ok(
        lines.some((line) => line.startsWith(`${modality} `)),
        modality,
      )
    }
    t.ok(
      lines.some((line) => line.startsWith('OT YES')),
      'a screen shot that claims burned-in text',
    )
  },
)

t.test('every identity is found in what was made, and none in other bytes', async (t) => {
  const directory = t.testdir()
  const { files, identities } = await makeDemoStudy(directory)
  const { found } = await findIdentity(
    files.map(({ path }) => path),
    identities,
  )
  const kinds = new Set(found.map((each) => each.split(' in ')[0]))
  t.same(kinds, new Set(identities.map(({ what }) => what)))
  const other = join(directory, 'other')
  writeFileSync(other, readFileSync('/bin/sh'))
  t.same((await findIdentity([other], identities)).found, [])
})
