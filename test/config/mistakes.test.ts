import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'
import { parseConfig as read } from '../../src/lib/config/parse-config.ts'
import { FionaError } from '../../src/lib/error/index.ts'
import { projectRoot } from '../fixtures/peers.ts'

const parseConfig = async (text: string, name: string) => (await read(text, name)).file

const refused: readonly [what: string, text: string, ...messages: RegExp[]][] = [
  [
    'an unknown key',
    'dataDir: /x\nreciever: {}\n',
    /^f:2: unknown key "reciever"; did you mean "receiver"\?$/,
  ],
  ['one like nothing known', 'elephant: 1\n', /^f:1: unknown key "elephant"$/],
  [
    'one deep inside',
    'destinations:\n  a:\n    url: x\n    retyr: {}\n',
    /^f:4: unknown key "retyr" in destinations\.a; did you mean "retry"\?$/,
  ],
  [
    'one below a name with a slash',
    'projects:\n  P/Q:\n    destination: [a]\n',
    /^f:3: unknown key "destination" in projects\.P\/Q; did/,
  ],
  [
    'one in a list',
    'receiver:\n  allow:\n    - callingAET: A\n    - adress: B\n',
    /^f:4: unknown key "adress" in receiver\.allow\.1; did you mean "address"\?$/,
  ],
  [
    "a project with the name of FIONA's own folder",
    'projects:\n  ABCD: {}\n  journal: {}\n',
    /^f:3: projects\.journal is no name of a project: FIONA keeps things of its own there/,
  ],
  [
    'layouts that are none, or two in one folder',
    'organize:\n  layouts:\n    - days/{StudyDte}.dcm\nprojects:\n  A:\n    organize:\n      layouts:\n        - a/{StudyDate}.dcm\n        - A/{PatientID}.dcm\n',
    /^f:3: organize\.layouts\.0 has an unknown field "StudyDte"; did you mean "StudyDate"\?$/m,
    /^ *f:9: projects\.A\.organize\.layouts\.1 another layout has the folder A already$/m,
  ],
  [
    'two doors with one port',
    'receiver: { port: 4006 }\nprojects:\n  A: { receiver: { port: 4007 } }\n  B: { receiver: { port: 4006 } }\n',
    /^f:4: projects\.B\.receiver\.port is 4006, and so is receiver\.port$/,
  ],
  [
    'one inbox twice',
    'inboxes:\n  - { folder: in }\n  - { folder: inner }\n  - { folder: ./in/ }\n',
    /^f:4: inboxes\.2\.folder and the inbox in are the same, or lie in each other$/,
  ],
  [
    'an inbox in an inbox',
    'inboxes:\n  - { folder: /a/b }\n  - { folder: /a }\n',
    /^f:3: inboxes\.1\.folder and the inbox \/a\/b are the same, or lie in each other$/,
  ],
  [
    "an inbox for a project with the name of FIONA's own folder",
    'inboxes:\n  - { folder: /a, project: journal }\n',
    /^f:2: inboxes\.0\.project is no name of a project$/,
  ],
  ['an inbox that is nowhere', 'inboxes:\n  - project: A\n', /^f:2: inboxes\.0 must have required/],
  [
    'a door without a port',
    'projects:\n  A: { receiver: { aeTitle: X } }\n',
    /^f:2: projects\.A\.receiver must have required property 'port'/,
  ],
  [
    'a project whose name is no folder',
    'projects:\n  ../../etc: {}\n',
    /^f:2: projects\.\.\.\/\.\.\/etc is no name of a project/,
  ],
  ['__proto__', '__proto__: {x: 1}\n', /^f:1: unknown key "__proto__"/],
  [
    'several at once',
    'receiver:\n  port: 99999\n  durability: maybe\narrival: {quietSeconds: 0}\n',
    /^f:2: receiver\.port must be <= 65535/,
    /f:3: receiver\.durability must be fsync or none/,
    /f:4: arrival\.quietSeconds must be > 0/,
  ],
  [
    'a size without a unit that is one',
    'receiver: {reserveBytes: 5GiX}\n',
    /must be a size: a number of bytes, or text such as 5GiB/,
  ],
  [
    'sizes of a destination that are none',
    'destinations:\n  A:\n    url: file:x\n    windowOverBytes: much\n    batch: {bytes: 5 apples}\n',
    /^f:4: destinations\.A\.windowOverBytes must be a size/,
    /f:5: destinations\.A\.batch\.bytes must be a size/,
  ],
  [
    'a date shift that does not exist',
    'projects:\n  A:\n    deidentify:\n      dateShift: {mode: sometimes}\n',
    /^f:4: projects\.A\.deidentify\.dateShift\.mode must be none or fixed or perParticipant$/,
  ],
  [
    'a date shift without its mode, and days that are none',
    'projects:\n  A:\n    deidentify:\n      dateShift:\n        maxDay: 3\n  B: {deidentify: {dateShift: {mode: fixed, maxDays: 0.5}}}\n',
    /^f:5: projects\.A\.deidentify\.dateShift must have required property 'mode'/,
    /f:5: unknown key "maxDay" in projects\.A\.deidentify\.dateShift; did you mean "maxDays"\?/,
    /f:6: projects\.B\.deidentify\.dateShift\.maxDays must be integer/,
  ],
  [
    'a date shift that shifts nothing, or by what belongs to another mode',
    `projects:
  A: { deidentify: { profile: p.yaml, dateShift: { mode: fixed } } }
  B: { deidentify: { profile: p.yaml, dateShift: { mode: fixed, days: 0 } } }
  C: { deidentify: { profile: p.yaml, dateShift: { mode: perParticipant, days: 3 } } }
  D: { deidentify: { profile: p.yaml, dateShift: { mode: none, maxDays: 3 } } }
  E: { deidentify: { dateShift: { mode: fixed, days: -3 } } }
  F: { deidentify: { profile: p.yaml, dateShift: { mode: fixed, days: -30 } } }
`,
    /^f:2: projects\.A\.deidentify\.dateShift has mode fixed and no days/,
    /f:3: projects\.B\.deidentify\.dateShift\.days is 0/,
    /f:4: projects\.C\.deidentify\.dateShift\.days belongs to mode fixed/,
    /f:5: projects\.D\.deidentify\.dateShift\.maxDays belongs to mode perParticipant/,
    /f:6: projects\.E\.deidentify\.dateShift does nothing: the basic profile removes dates; [^\n]*$/,
  ],
  [
    'a date shift of more than ten years',
    'projects: {A: {deidentify: {profile: p.yaml, dateShift: {mode: fixed, days: 99999}}}}\n',
    /^f:1: projects\.A\.deidentify\.dateShift\.days must be <= 3653$/,
  ],
  [
    'keys of de-identification that do nothing beside the others',
    'projects:\n  A: { deidentify: { pattern: "A-[0-9]{4}" } }\n  B: { deidentify: { iKnow: true } }\n',
    /^f:2: projects\.A\.deidentify\.pattern does nothing without pseudonym: counter/,
    /f:3: projects\.B\.deidentify\.iKnow does nothing without a profile that has base: none/,
  ],
  [
    'a pseudonym that nobody makes',
    'projects: {A: {deidentify: {pseudonym: hsah}}}\n',
    /^f:1: projects\.A\.deidentify\.pseudonym must be fromRequest or hash or counter$/,
  ],
  [
    'exclusions by what is no condition, and by none',
    'projects:\n  A:\n    exclude:\n      - { modalty: PR }\n      - {}\n      - { sopClass: CT }\n      - PR\n',
    /^f:4: unknown key "modalty" in projects\.A\.exclude\.0; did you mean "modality"\?/,
    /f:5: projects\.A\.exclude\.1 must NOT have fewer than 1 properties/,
    /f:6: projects\.A\.exclude\.2\.sopClass must match pattern/,
    /f:7: projects\.A\.exclude\.3 must be object/,
  ],
  [
    'sources of requests that are none, or two',
    'requests:\n  - {}\n  - { table: a.csv, redcap: { url: "https://r/", tokenFile: t } }\n  - tabel: a.csv\n  - coupling.csv\n',
    /^f:2: requests\.0 must have one of rules, table and redcap/,
    /f:3: requests\.1 must have only one of rules, table and redcap: write a list entry for each/,
    /f:4: unknown key "tabel" in requests\.2; did you mean "table"\?/,
    /f:5: requests\.3 must be object/,
  ],
  [
    'rules for requests without condition, project or spelling',
    'requests:\n  - rules:\n      - { when: {}, project: A, participant: fromPatientId }\n      - { when: { calledAET: X }, participant: P }\n      - { when: { calledAET: X }, project: A, participant: P, evnt: E }\n',
    /^f:3: requests\.0\.rules\.0\.when must NOT have fewer than 1 properties/,
    /f:4: requests\.0\.rules\.1 must have required property 'project'/,
    /f:5: unknown key "evnt" in requests\.0\.rules\.2; did you mean "event"\?/,
  ],
  [
    'a REDCap that cannot be asked',
    'requests:\n  - redcap:\n      url: redcap.example.org\n      everySeconds: 0\n',
    /f:3: requests\.0\.redcap must have required property 'tokenFile'/,
    /f:3: requests\.0\.redcap\.url must match pattern/,
    /f:4: requests\.0\.redcap\.everySeconds must be > 0/,
  ],
  [
    'what is needed and missing',
    'destinations:\n  a: {}\n',
    /^f:2: destinations\.a must have required property 'url'/,
  ],
  ['a section that is none', 'receiver: 7\n', /^f:1: receiver must be object/],
  ['a list', '- dataDir\n', /^f:1: the configuration must be object/],
  [
    'a pattern that is none',
    'projects:\n  A:\n    match: {calledAET: "("}\n',
    /^f:3: projects\.A\.match\.calledAET is no regular expression/,
  ],
  [
    'patterns whose time has no bound, or that nobody can read, each in its place',
    "projects:\n  A:\n    match:\n      PatientID: '(a+)\\1'\n      calledAET: ['^A', '[']\n  B:\n    match:\n      - { callingAET: '^B' }\n      - { Modality: 'a{2000}' }\n",
    /^f:4: projects\.A\.match\.PatientID is no regular expression that can be used: backreferences are not taken: their time has no bound, at character \d+ of \(a\+\)\\1; docs\/rules\.md tells/,
    /f:5: projects\.A\.match\.calledAET\.1 is no regular expression that can be used: a \[ without its \], at character 1 of \[/,
    /f:9: projects\.B\.match\.1\.Modality is no regular expression that can be used: more than 1000/,
  ],
  [
    'conditions that nothing could meet',
    'projects:\n  A:\n    match: {caledAET: X}\n  B:\n    match:\n      ReferencedStudySequence: X\n      PixelData: X\n  C: {match: {address: 10.1.0.0/33}}\n  D: {match: {address: [10.1.2.3, scanner.example.org]}}\n',
    /^f:3: projects\.A\.match\.caledAET is neither callingAET, calledAET, address nor the keyword of a DICOM attribute; did you mean "calledAET"\?/,
    /f:6: projects\.B\.match\.ReferencedStudySequence is a sequence; name an attribute in its items/,
    /f:7: projects\.B\.match\.PixelData holds bytes/,
    /f:8: projects\.C\.match\.address is no address: "10\.1\.0\.0\/33"; write 10\.1\.2\.3, 10\.1\.0\.0\/16 or/,
    /f:9: projects\.D\.match\.address\.1 is no address: "scanner\.example\.org"/,
  ],
  [
    'a match that would take everything, or is of no kind that it may be',
    'projects:\n  A: {match: {}}\n  B: {match: []}\n  C: {match: [{}]}\n  D: {match: {PatientID: ""}}\n  E: {match: 7}\n  F: {match: {PatientID: 7}}\n  G: {match: [{PatientID: [8]}]}\n  H: {match: {PatientID: []}}\n',
    /^f:2: projects\.A\.match has no condition and would take everything$/m,
    /f:3: projects\.B\.match has no condition and would take everything$/m,
    /f:4: projects\.C\.match\.0 has no condition and would take everything$/m,
    /f:5: projects\.D\.match\.PatientID is empty and would hold for everything$/m,
    /f:6: projects\.E\.match must be object or array$/m,
    /f:7: projects\.F\.match\.PatientID must be string or array$/m,
    /f:8: projects\.G\.match\.0\.PatientID\.0 must be string$/m,
    /f:9: projects\.H\.match\.PatientID is empty and would hold for nothing$/m,
  ],
  [
    'a default that is no project',
    'intake: { default: ABDC, projects: every }\nprojects:\n  ABCD: {}\n',
    /^f:1: intake\.projects must be first or all$/,
  ],
  [
    'a default that is no project, all else being right',
    'intake: { default: ABDC }\nprojects:\n  ABCD: {}\n',
    /^f:1: intake\.default is none of the projects: "ABDC"; did you mean "ABCD"\?$/,
  ],
  [
    'a default like no project',
    'intake:\n  default: UNASSIGNED\n',
    /^f:2: intake\.default is none of the projects: "UNASSIGNED"; add it to projects \(projects\.UNASSIGNED: \{\} is enough\)$/,
  ],
  [
    'broken YAML',
    'receiver:\n  port: 1\n  port: 2\nx: [\n',
    /^f:3: Map keys must be unique/,
    /f:5: /,
  ],
  ['broken JSON', '{"receiver":\n{"port": }', /^f:2: /],
  ['two documents', 'dataDir: a\n---\ndataDir: b\n', /^f:2: a second document/],
  ['a tag', 'dataDir: !!binary eA==\n', /^f:1: Unresolved tag/],
  ['an alias of nothing', 'dataDir: *here\n', /^f:1: no anchor &here/],
  ['a YAML bomb', bomb(), /^f:1: aliases stand for too much/],
  [
    'more mistakes than anybody reads',
    Array.from({ length: 50 }, (_, n) => `wrong${String(n)}: 1\n`).join(''),
    /and 30 more$/,
  ],
]

/** Nine of nine of nine …: a few lines that stand for a thousand million values. */
function bomb(): string {
  const names = [...'abcdefghi']
  return names
    .map((name, at) => {
      const value = at === 0 ? 'x' : `*${names[at - 1] ?? ''}`
      return `${name}: &${name} [${Array.from({ length: 9 }, () => value).join(', ')}]\n`
    })
    .join('')
}

for (const [what, text, ...messages] of refused) {
  t.test(`refused with its line: ${what}`, async (t) => {
    for (const message of messages) {
      await t.rejects(parseConfig(text, 'f'), { code: 'E_CONFIG', exitCode: 78, message })
    }
  })
}

t.test('a place is told of once', async (t) => {
  const text = 'receiver:\n  aeTitle: ABCDEFGHIJKLMNOPQ\n  durability: maybe\n'
  try {
    await parseConfig(text, 'f')
    t.fail('it is wrong')
  } catch (error) {
    t.equal((error as FionaError).message.split('\n').length, 2)
  }
})

t.test('sizes are numbers or have units', async (t) => {
  const sizes = {
    '7': 7,
    '1K': 1024,
    '1.5 MiB': 1.5 * 2 ** 20,
    '5GiB': 5 * 2 ** 30,
    '2TB': 2 ** 41,
    '3g': 3 * 2 ** 30,
  }
  for (const [text, bytes] of Object.entries(sizes)) {
    t.equal(
      (await parseConfig(`receiver: {reserveBytes: ${text}}`, 'f')).receiver.reserveBytes,
      bytes,
      text,
    )
  }
})

t.test('JSON is YAML; comments, anchors and nothing at all are a configuration too', async (t) => {
  const json = '{\n"receiver": {"port": 104},\n\t"dataDir": "/x"}'
  t.match(await parseConfig(json, 'f'), {
    receiver: { port: 104, aeTitle: 'FIONA' },
    dataDir: '/x',
  })
  t.equal((await parseConfig('', 'f')).receiver.port, 11112)
  t.equal((await parseConfig('# all defaults\n', 'f')).arrival.quietSeconds, 16)
  const retry = 'destinations:\n  a: {url: x, retry: &r {max: 3}}\n  b: {url: y, retry: *r}\n'
  t.match((await parseConfig(retry, 'f')).destinations, { b: { retry: { max: 3, multiplier: 2 } } })
  t.equal((await parseConfig('\uFEFFdataDir: /x\n', 'f')).dataDir, '/x')
})

t.test('any text is a configuration or a refusal with a line', async () => {
  const line = fc.constantFrom(
    'receiver:',
    '  port: 1',
    '- x',
    'a: *b',
    '&b',
    '{',
    ']',
    'dataDir: /x',
    '  - ',
    '? x',
    '"',
    '|',
    '!t',
    '%YAML 1.1',
    '---',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.array(line, { maxLength: 8 }).map((all) => all.join('\n')),
        fc.string(),
      ),
      async (text) => {
        try {
          return typeof (await parseConfig(text, 'f')).dataDir === 'string'
        } catch (error) {
          return error instanceof FionaError && /^f:\d+: /.test(error.message)
        }
      },
    ),
    { numRuns: 2000 },
  )
})

t.test('the example of the product loads, and shows every section', async (t) => {
  const config = await loadConfig(join(projectRoot, 'share/config.example.yaml'))
  t.match(config, {
    dataDir: '/var/lib/fiona',
    receiver: { reserveBytes: 5 * 2 ** 30, tls: { certFile: '/etc/fiona/tls.crt' } },
    projects: { ABCD: { destinations: ['research'] } },
    destinations: { research: { verify: 'find', retry: { max: 12 } } },
    retention: { archive: { maxDiskPercent: 80 } },
  })
  const { ConfigSchema } = await import('../../src/lib/config/schema.ts')
  const notShown = Object.keys(ConfigSchema.properties).filter((key) => !(key in config))
  t.same(notShown, ['generatedFrom'], 'which only fiona up writes')
})

t.test(
  "an original site's config.json: what it says counts, and its mistakes have its own names",
  async (t) => {
    const original = {
      DICOMIP: '10.0.0.1',
      DICOMPORT: '4006',
      DICOMAETITLE: 'SITE',
      DATADIR: '/data/site',
      MPPSPORT: '4007',
      SCANNERIP: '10.0.0.2',
      OTHERKEY: 'kept out',
      SITES: {
        PROJ: { DICOMPORT: '4011', DICOMAETITLE: 'PROJFIONA', DATADIR: '/data/PROJ' },
        SMALL: { DICOMAETITLE: 'SMALL' },
      },
    }
    const config = await parseConfig(JSON.stringify(original, null, 2), 'config.json')
    t.match(config, {
      dataDir: '/data/site',
      receiver: { port: 4006, aeTitle: 'SITE' },
      mpps: { port: 4007 },
      projects: { PROJ: { receiver: { port: 4011, aeTitle: 'PROJFIONA' } }, SMALL: {} },
    })
    t.equal(config.projects['SMALL']?.receiver, undefined)
    await t.rejects(
      parseConfig(JSON.stringify({ ...original, DICOMPORT: '4006x' }, null, 2), 'config.json'),
      {
        message: 'config.json:3: DICOMPORT must be integer',
      },
    )
    const sites = { PROJ: { DICOMAETITLE: 'P', DICOMPORT: '70000' } }
    await t.rejects(parseConfig(JSON.stringify({ ...original, SITES: sites }, null, 2), 'c'), {
      message: 'c:12: SITES.PROJ.DICOMPORT must be <= 65535',
    })
    const twice: [changes: object, message: RegExp][] = [
      [{ MPPSPORT: '4006' }, /: MPPSPORT is 4006, and so is DICOMPORT$/],
      [
        { SITES: { PROJ: { DICOMPORT: '4006' } } },
        /: SITES\.PROJ\.DICOMPORT is 4006, and so is DICOMPORT$/,
      ],
      [
        { SITES: { A: { DICOMPORT: '4011' }, B: { DICOMPORT: '4011' } } },
        /: SITES\.B\.DICOMPORT is 4011, and so is SITES\.A\.DICOMPORT$/,
      ],
    ]
    for (const [changes, message] of twice) {
      await t.rejects(parseConfig(JSON.stringify({ ...original, ...changes }), 'c'), { message })
    }
  },
)

t.test('a file that cannot be read is named', async (t) => {
  const dir = t.testdir({ folder: {} })
  await t.rejects(loadConfig(join(dir, 'none.yaml')), {
    code: 'E_CONFIG',
    exitCode: 78,
    message: /^no configuration file at .*none\.yaml$/,
    hint: 'give one with --config or FIONA_CONFIG',
  })
  await t.rejects(loadConfig(join(dir, 'folder')), { code: 'E_CONFIG', message: /EISDIR/ })
  writeFileSync(join(dir, 'latin1.yaml'), Buffer.from('dataDir: /\xfc\n', 'latin1'))
  await t.rejects(loadConfig(join(dir, 'latin1.yaml')), { message: /is not UTF-8/ })
})
