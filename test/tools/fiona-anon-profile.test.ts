import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { archived, filesUnder, newSite } from '../deidentify/deidentified.ts'
import { ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { PseudoTerminal } from '../fixtures/pseudo-terminal.ts'
import { run } from '../fixtures/peers.ts'

const secret = '1 Planted Street, Springfield'
const planted = [
  el(0x00080080, 'LO', 'Mercy Hospital'),
  el(0x0008103e, 'LO', 't1 mprage \u001b[2J'),
  el(0x00101040, 'LO', secret),
  el(0x00190010, 'LO', 'ACME'),
  el(0x00191001, 'LO', 'hidden'),
  sq(0x00081110, [[el(0x00081155, 'UI', '1.2.3'), el(0x00081030, 'LO', 'inside')]]),
]
const good = `rules:
  - { tag: InstitutionName, action: set, value: "{project}" }
  - { tag: AccessionNumber, action: hash }
objects: { PR: drop }
`

function siteWith(files: Readonly<Record<string, string | Buffer>>) {
  const site = newSite()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(site.root, name), content)
  writeFileSync(join(site.root, 'key'), Buffer.alloc(32, 5), { mode: 0o600 })
  return { ...site, path: (name: string) => join(site.root, name) }
}

const env = { FIONA_CONFIG: '', FIONA_STAGE: '', NODE_OPTIONS: '' }
const shell = (line: string) => run('bash', ['-c', `set -o pipefail; ${line}`], { env })
const anon = (args: readonly string[], input = '') => run('fiona-anon', args, { env, input })

t.test('--lint tells mistakes with their places, and what weakens', async (t) => {
  const site = siteWith({
    'bad.yaml': 'rules:\n  - { tag: SeriesDescripton, action: keep }\n',
    'weak.yaml': 'rules:\n  - { tag: InstitutionName, action: keep }\n',
    'good.json': JSON.stringify({ rules: [{ tag: 'StudyID', action: 'hash' }] }),
    'latin1.yaml': Buffer.from('name: \xe9', 'latin1'),
  })
  const bad = await anon(['--lint', site.path('bad.yaml')])
  t.equal(bad.code, 78)
  t.match(bad.stdout, /bad\.yaml:2:12: no attribute .* did you mean "SeriesDescription"\?/)
  const weak = await anon(['--lint', site.path('weak.yaml')])
  t.equal(weak.code, 0)
  t.match(weak.stdout, /weak\.yaml:2:5: warning: retained against the table: InstitutionName/)
  const fine = await anon(['--lint', site.path('good.json')])
  t.equal(fine.code, 0)
  t.match(fine.stdout, /no mistakes, no warnings; digest [0-9a-f]{64}/)
  mkdirSync(site.path('folder'))
  await shell(`mkfifo ${site.path('pipe')}`)
  for (const [name, expected] of [
    ['missing.yaml', /no profile at .*missing\.yaml/],
    ['folder', /is a directory, not a profile/],
    ['pipe', /is a pipe or a device, not a profile/],
    ['latin1.yaml', /is not UTF-8 text/],
  ] as const) {
    const refused = await anon(['--lint', site.path(name)])
    t.equal(refused.code, 78, name)
    t.match(refused.stderr, expected)
  }
})

t.test('--explain shows every element to a terminal, and to nothing else', async (t) => {
  const ofPhantoms =
    '  - { tag: SeriesDescription, when: { ClassifyType: phantom }, action: empty }'
  const profile = good.replace('objects:', `${ofPhantoms}\nobjects:`)
  const site = siteWith({ 'p.yaml': profile, 'ct.dcm': ctImage({ elements: planted }) })
  const args = ['--explain', site.path('ct.dcm'), '--profile', site.path('p.yaml')]
  const piped = await anon([...args, '--key-file', site.path('key')])
  t.equal(piped.code, 64)
  t.match(piped.stderr, /on a terminal only/)
  t.equal(piped.stdout, '')
  const ofNothing = await anon(['--classify-type', 'T1', '--key-file', site.path('key')])
  t.equal(ofNothing.code, 64)
  t.match(ofNothing.stderr, /of --explain/)
  const terminal = new PseudoTerminal(
    { rows: 400, columns: 400 },
    [
      'fiona-anon',
      ...args,
      '--key-file',
      site.path('key'),
      '--project',
      'ABCD',
      '--participant',
      'S9',
      '--classify-type',
      'T1, phantom',
    ],
    env,
  )
  t.equal(await terminal.ended(), 0, terminal.text)
  const { text } = terminal
  for (const expected of [
    /\(0008,0080\) InstitutionName LO "Mercy Hospital" → "ABCD" — rule in line 2: set/,
    /\(0010,1040\) PatientAddress LO "1 Planted Street, Springfield" → removed — Table E\.1-1 X: remove/,
    /\(0010,0010\) PatientName PN .* → "S9" — the request says so/,
    /\(0019,1001\) \? LO "hidden" → removed — private attributes are removed/,
    /\(0008,103E\) SeriesDescription LO "t1 mprage ␛\[2J" → empty — rule in line 4: empty/,
    /\(0020,000D\) StudyInstanceUID UI "2\.25\.1001" → "2\.25\.\d+" — Table E\.1-1 U: uid/,
    /^ {4}\(0008,1030\) StudyDescription LO "inside" → gone with its sequence/m,
    /\(0028,0010\) Rows US 8 → as it is — not in Table E\.1-1, and harmless/,
    /\(0012,0062\) PatientIdentityRemoved CS absent → "YES" — added/,
    /pixels: as they are/,
    /search: nothing known of the patient is left/,
    /would go out/,
  ]) {
    t.match(text, expected)
  }
  t.notMatch(terminal.bytes, '\u001b[2J')
})

t.test(
  '--explain asks the rules of the site for the types, and a person before them',
  async (t) => {
    const profile = `rules:
  - { tag: SeriesDescription, when: { ClassifyType: phantom }, action: empty }
pixels: { rules: [{ classifyType: PHOTO, action: review }] }
`
    const rules = [
      {
        type: 'phantom',
        rules: [{ tag: ['0x08', '0x103e'], value: 'mprage', operator: 'contains' }],
      },
      { type: 'PHOTO', rules: [{ tag: ['0x20', '0x13'], value: 1, operator: '==' }] },
    ]
    const site = siteWith({
      'p.yaml': profile,
      'ct.dcm': ctImage({ elements: planted }),
      'rules.json': JSON.stringify(rules),
    })
    const configuration = {
      dataDir: site.dataDir,
      classification: { rules: 'rules.json' },
      projects: { ABCD: { deidentify: { profile: 'p.yaml' } } },
    }
    writeFileSync(site.path('fiona.yaml'), JSON.stringify(configuration))
    const explain = async (...more: string[]) => {
      const terminal = new PseudoTerminal(
        { rows: 400, columns: 400 },
        [
          ...['fiona-anon', '--config', site.path('fiona.yaml'), '--project', 'ABCD'],
          ...['--explain', site.path('ct.dcm'), ...more],
        ],
        env,
      )
      t.equal(await terminal.ended(), 0, terminal.text)
      return terminal.text
    }
    const byRules = await explain()
    t.match(byRules, /types by .*rules\.json, of this object alone: phantom, PHOTO/)
    t.match(byRules, /SeriesDescription LO .* → empty — rule in line 2: empty/)
    t.match(byRules, /held: pixel-rule at/)
    const byHand = await explain('--classify-type', 'T1')
    t.match(byHand, /types by --classify-type: T1/)
    t.match(byHand, /SeriesDescription LO .* → removed/)
    t.match(byHand, /would go out/)
  },
)

t.test('a profile with a mistake is told before anything goes out', async (t) => {
  const site = siteWith({ 'p.yaml': good, 'bad.yaml': 'base: basc\n', 'none.yaml': 'base: none\n' })
  const record = `${JSON.stringify(archived(site, [ctImage()]))}\n`
  const out = ['--key-file', site.path('key'), '--data-dir', site.dataDir]
  const bad = await anon([...out, '--profile', site.path('bad.yaml')], record)
  t.equal(bad.code, 78)
  t.match(bad.stderr, /bad\.yaml:1:7: "base" is basic or none, not "basc"; did you mean "basic"\?/)
  const none = await anon([...out, '--profile', site.path('none.yaml')], record)
  t.equal(none.code, 78)
  t.match(none.stderr, /base none: whatever no rule of it names would go out as it is/)
  writeFileSync(
    site.path('fiona.yaml'),
    JSON.stringify({
      dataDir: site.dataDir,
      deidentification: { keyFile: site.path('key') },
      projects: {
        A: { deidentify: { profile: 'p.yaml' } },
        B: { deidentify: { profile: 'bad.yaml' } },
      },
    }),
  )
  const ofAnother = await anon(['--config', site.path('fiona.yaml'), '--project', 'A'], record)
  t.equal(ofAnother.code, 78, 'the project of another study counts, too')
  t.same(filesUnder(join(site.dataDir, 'A')), [])
  const check = await run('fiona-ctl', ['check', '--config', site.path('fiona.yaml')], { env })
  t.match(check.stdout + check.stderr, /profile of A.*p\.yaml/)
  t.match(check.stdout + check.stderr, /bad\.yaml:1:7/)
})

t.test('by hand: import, arrive, and de-identify by a profile', async (t) => {
  const site = siteWith({ 'p.yaml': good })
  mkdirSync(site.path('study'))
  const presentation = ctImage({
    instanceNumber: 2,
    elements: [el(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.11.1')],
  })
  writeFileSync(site.path('study/1.dcm'), ctImage({ elements: planted }))
  writeFileSync(site.path('study/2.dcm'), presentation)
  const { stdout, stderr, code } = await shell(
    `fiona-import --in-place ${site.path('study')} | fiona-arrive | fiona-anon --profile ${site.path('p.yaml')} --key-file ${site.path('key')} --project ABCD --participant S1 --out ${site.out} --data-dir ${site.dataDir}`,
  )
  t.equal(code, 0, stderr)
  const record = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AnyRecord)
    .find(({ type }) => type === 'deidentified')
  t.equal(record?.['profile'], 'p')
  t.match(record?.['profileDigest'], /^[0-9a-f]{64}$/)
  t.same(record?.['excluded'], { 'profile objects': 1 })
  const [path = ''] = filesUnder(site.out)
  using file = DicomFile.open(path)
  t.equal(file.string(file.dataSet, 0x00080080), 'ABCD')
  t.match(file.string(file.dataSet, 0x00080050), /^[0-9A-Z]{16}$/)
  t.notOk(readFileSync(path).includes('Planted Street'))
  t.notMatch(stdout + stderr, /Planted|Mercy/)
})

t.test("--convert reads the original's lists", async (t) => {
  const site = siteWith({
    'anonymizeTags.json': JSON.stringify([
      { group: '0x0008', element: '0x0080', hr: 'InstitutionName' },
    ]),
  })
  const { stdout, code } = await anon(['--convert', site.path('anonymizeTags.json')])
  t.equal(code, 0)
  t.match(stdout, /- \{ tag: InstitutionName, action: empty \}/)
  writeFileSync(site.path('converted.yaml'), stdout)
  t.equal((await anon(['--lint', site.path('converted.yaml')])).code, 0)
  const two = await anon(['--convert', 'a', '--lint', 'b'])
  t.equal(two.code, 64)
})
