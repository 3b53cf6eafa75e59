import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { run } from '../fixtures/peers.ts'
import { newDataDir } from './scp.ts'

interface Told {
  readonly path: string
  readonly objects: number
  readonly lies?: string
  readonly source: object
  readonly projects: readonly string[]
  readonly asked: readonly { readonly project: string; readonly holds: boolean }[]
}

function site(t: Test, match: Record<string, object>) {
  const folder = newDataDir(t)
  const config = join(folder, 'c.json')
  const env = { FIONA_CONFIG: config, NODE_OPTIONS: '' }
  const configure = (projects: Record<string, object>, intake = {}) => {
    writeFileSync(config, JSON.stringify({ dataDir: 'data', intake, projects }))
  }
  configure(match)
  const file = (name: string, PatientID: string, more: object = {}) => {
    const path = join(folder, name)
    const elements = [el(0x00100020, 'LO', PatientID)]
    writeFileSync(path, ctImage({ studyUID: '2.25.7', elements, ...more }))
    return path
  }
  const explain = async (...words: string[]) => {
    const { code, stdout, stderr } = await run('fiona-ctl', ['explain', ...words], { env })
    const told = stdout.split('\n').filter((line) => line !== '')
    return { code, stdout, stderr, told: told.map((line) => JSON.parse(line) as Told) }
  }
  return { folder, env, configure, file, explain }
}

const projects = {
  HEAD: { match: { PatientID: '^H-', calledAET: '^HEADS$' } },
  SECOND: { match: { PatientID: '^H-' } },
  OWN: { receiver: { port: 11113 } },
}

t.test(
  'a file: each condition with the value it saw, and what if it came from there',
  async (t) => {
    const { file, explain } = site(t, projects)
    const head = file('head.dcm', 'H-1')

    t.match((await explain(head)).told, [
      {
        path: head,
        objects: 1,
        projects: ['SECOND'],
        asked: [
          {
            project: 'HEAD',
            holds: false,
            alternatives: [
              {
                holds: false,
                conditions: [
                  { key: 'PatientID', written: ['^H-'], value: 'H-1', holds: true },
                  { key: 'calledAET', written: ['^HEADS$'], value: '', holds: false },
                ],
              },
            ],
          },
          { project: 'SECOND', holds: true },
        ],
      },
    ])
    t.match((await explain(head, '--called-aet', 'HEADS')).told, [
      {
        projects: ['HEAD'],
        source: { calledAET: 'HEADS' },
        asked: [{ holds: true }, { holds: true }],
      },
    ])
    t.match((await explain(file('other.dcm', 'X'))).told, [{ projects: ['default'] }])
  },
)

t.test('it says of a study what reception did, object by object', async (t) => {
  const { file, explain, env, folder, configure } = site(t, projects)
  const files = [1, 2, 3].map((instanceNumber) =>
    file(`${String(instanceNumber)}.dcm`, instanceNumber === 3 ? 'X' : 'H-1', { instanceNumber }),
  )
  const words = ['--journal', 'received', '--calling-aet', 'CT1', '--called-aet', 'HEADS']
  t.equal((await run('fiona-import', [...words, ...files], { env })).code, 0)

  const source = { callingAET: 'CT1', calledAET: 'HEADS' }
  const both = [
    { objects: 2, projects: ['HEAD'], lies: 'HEAD', source },
    { objects: 1, projects: ['default'], lies: 'default', source },
  ]
  t.match((await explain('2.25.7')).told, both)

  configure({ NEW: { match: { PatientID: '^H-' } } })
  const [moved] = (await explain('2.25.7')).told
  t.match(moved, { projects: ['NEW'], lies: 'HEAD' }, 'another configuration, another choice')

  configure(projects)
  rmSync(join(folder, 'data', 'journal'), { recursive: true })
  const archived = (await explain('2.25.7')).told
  t.match(
    archived.map(({ lies, objects }) => [lies, objects]).sort(),
    [
      ['HEAD', 2],
      ['default', 1],
    ],
    'without a journal the archive is asked',
  )
  const path = archived.find(({ lies }) => lies === 'HEAD')?.path ?? ''
  t.match((await explain(path)).told, [{ objects: 1, lies: 'HEAD' }], 'and each file of it')
})

t.test(
  'all that match take it: each record is explained, and so is what lies elsewhere',
  async (t) => {
    const { file, explain, env, configure } = site(t, projects)
    const every = { projects: 'all', default: 'PARKED' }
    const alternatives = [
      { address: '192.0.2.0/24' },
      { address: ['10.1.0.0/16'], Modality: '^CT$' },
    ]
    configure({ ...projects, RANGE: { match: alternatives }, PARKED: {} }, every)
    const head = file('head.dcm', 'H-1')
    const words = ['--journal', 'received', '--called-aet', 'HEADS']
    t.equal((await run('fiona-import', [...words, head], { env })).code, 0)
    t.match((await explain('2.25.7')).told, [
      { objects: 1, lies: 'HEAD', projects: ['HEAD', 'SECOND'] },
      { objects: 1, lies: 'SECOND', projects: ['HEAD', 'SECOND'] },
    ])
    t.match((await explain(head, '--address', '10.1.2.3')).told, [
      {
        projects: ['SECOND', 'RANGE'],
        asked: [
          { project: 'HEAD' },
          { project: 'SECOND' },
          {
            project: 'RANGE',
            alternatives: [
              { holds: false, conditions: [{ key: 'address', value: '10.1.2.3', holds: false }] },
              { holds: true, conditions: [{ written: ['10.1.0.0/16'] }, { value: 'CT' }] },
            ],
          },
        ],
      },
    ])
    t.match((await explain(file('other.dcm', 'X'))).told, [{ projects: ['PARKED'] }])
  },
)

t.test('objects that are gone are counted, and the others explained', async (t) => {
  const { file, explain, env } = site(t, projects)
  const files = [1, 2].map((instanceNumber) =>
    file(`${String(instanceNumber)}.dcm`, 'H-1', { instanceNumber }),
  )
  const imported = ['--in-place', '--journal', 'received', ...files]
  t.equal((await run('fiona-import', imported, { env })).code, 0)
  rmSync(files[0] ?? '')
  const { code, told, stderr } = await explain('2.25.7')
  t.match({ code, told }, { code: 0, told: [{ objects: 1 }] })
  t.match(stderr, /"code":"E_FILE_MISSING","objects":1/)
  t.notMatch(stderr, /H-1/)
  rmSync(files[1] ?? '')
  t.match(await explain('2.25.7'), { code: 65, stderr: /error: there is no file at/ })
})

t.test('on a terminal a text, in which no control character of a header is obeyed', async (t) => {
  const { file, explain, env } = site(t, projects)
  const evil = file('evil.dcm', 'H-\u009b31m')
  const pty = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'
  const ctl = new URL('../../bin/fiona-ctl', import.meta.url).pathname
  const shown = await run('/usr/bin/python3', ['-c', pty, ctl, 'explain', evil], { env })
  t.equal(shown.code, 0)
  t.match(
    shown.stdout,
    /HEAD: no\r\n {2}PatientID: "H-.*matches \^H-\r\n {2}calledAET: empty does not match \^HEADS\$/,
  )
  t.match(shown.stdout, /SECOND: yes[^]*OWN: has no match[^]*port 11113[^]*it goes to SECOND/)
  const { stdout, told } = await explain(evil)
  for (const text of [shown.stdout, stdout]) t.notMatch(text, /[\u0000-\u0009\u007f-\u009f]/)
  t.match(
    told[0]?.asked[1],
    { alternatives: [{ conditions: [{ value: 'H-\u009b31m' }] }] },
    'JSON keeps the value',
  )
})

t.test(
  'what is no study, no DICOM file, or no object that could be taken is refused',
  async (t) => {
    const { file, explain, folder } = site(t, projects)
    writeFileSync(join(folder, 'text'), 'no DICOM at all')
    t.match(await explain('2.25.404'), { code: 65, stderr: /no study 2\.25\.404 is known/ })
    t.match(await explain(join(folder, 'text')), { code: 65, stderr: /error: .*text/ })
    t.match(await explain(folder), { code: 65, stderr: /not a regular file/ })
    t.match(await explain('nowhere.dcm'), { code: 65, stderr: /no file at .*nowhere\.dcm/ })
    const nameless = file('nameless.dcm', 'H-1', { without: [0x0020000d] })
    t.match(await explain(nameless), { code: 65, stderr: /StudyInstanceUID is not a valid UID/ })
    t.match(await explain(), { code: 64, stderr: /explain takes one file or study/ })
    t.match(await explain('a', 'b'), { code: 64 })
  },
)
