import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import t from 'tap'
import { decideByHand, Projects, Store } from '../../src/lib/request/index.ts'
import { bench, study } from './requests.ts'

const hand = {
  project: undefined,
  participant: undefined,
  event: undefined,
  samePatient: false,
  drop: false,
  undo: false,
  who: 'by hand (me)',
}
const codes = (records: readonly unknown[]) =>
  (records as { reasons?: { code: string }[] }[]).flatMap(
    (one) => one.reasons?.map(({ code }) => code) ?? [],
  )

t.test(
  'every rule that holds asks for its request; the id stays, whatever revision comes',
  async (t) => {
    await using site = await bench({
      requests: [
        {
          rules: [
            { when: { calledAET: '^AUTO$' }, project: 'A', participant: 'fromPatientId' },
            {
              when: { PatientID: '^TR-(\\d+)$', ClassifyType: 'T1' },
              project: 'B',
              participant: 'B{PatientID.1}',
              event: 'v{PatientID.1}',
            },
            { when: { PatientName: 'X' }, project: 'C', participant: 'fromPatientName' },
          ],
        },
      ],
      projects: { A: { destinations: [] }, B: { destinations: [] } },
    })
    const input = study(1, {
      PatientID: ' TR-7 ',
      ClassifyType: ['T1'],
      sources: { calledAET: ['OTHER', 'AUTO'] },
    })
    const first = site.take(input)
    t.match(first, [
      {
        type: 'request',
        project: 'A',
        participant: 'TR-7',
        revision: 1,
        requestedBy: 'rules-1, rule 1',
      },
      { type: 'request', project: 'B', participant: 'B7', event: 'v7' },
    ])
    t.match(first[0]?.['requestId'], /^[0-9A-Z]{20}$/)
    t.not(first[0]?.['requestId'], first[1]?.['requestId'])
    const again = site.take({ ...input, revision: 2 })
    t.strictSame(
      again.map(({ requestId, revision }) => [requestId, revision]),
      first.map(({ requestId }) => [requestId, 2]),
    )
    t.strictSame(
      site.take(input).map(({ requestId }) => requestId),
      first.map(({ requestId }) => requestId),
    )
    t.strictSame(site.take(study(2)), [], 'nobody knows it')
    t.equal(site.store.studies.count('request', 'waiting'), 1)
    t.strictSame(site.later(), [], 'what was said is not said again')
  },
)

t.test('what does not go together is held, each with its reason', async (t) => {
  const dir = t.testdir({
    'a.csv': `AccessionNumber,ProjectName,subjectid,eventname
A1,A,A_01,
A2,A,A_02,
A3,A,bad,
A4,NONE,X,
A5,CLOSED,X,
A6,OVER,X,
A7,A,A_01,
A8,FREE,../../etc/passwd,
A9,FREE,=cmd|calc,
A10,FREE,Ünïcode,
A11,FREE,x,a\\b
`,
    'b.csv': 'AccessionNumber,project,participant\nA2,A,A_09\nA8,A,A_08\n',
  })
  await using site = await bench({
    requests: [{ table: { file: join(dir, 'a.csv') } }, { table: { file: join(dir, 'b.csv') } }],
    projects: {
      A: { destinations: [], requests: { naming: 'A_\\d\\d' } },
      CLOSED: { destinations: [], requests: { active: false } },
      OVER: { destinations: [], requests: { until: '2026-06-14' } },
      FREE: { destinations: [] },
    },
  })
  t.match(site.take(study(1)), [{ type: 'request', participant: 'A_01' }])
  const [held] = site.take(study(2))
  t.match(held, {
    type: 'held',
    project: 'A',
    StudyInstanceUID: '1.2.2',
    reasons: [{ code: 'sources-disagree', where: 'A_02 (a.csv, line 3); A_09 (b.csv, line 2)' }],
    how: /^decide [0-9A-Z]{20}$/,
  })
  t.equal(site.take(study(2))[0]?.['requestId'], held?.['requestId'])
  for (const [number, code] of [
    [3, 'participant-naming'],
    [4, 'unknown-project'],
    [5, 'project-inactive'],
    [6, 'project-expired'],
    [7, 'participant-taken'],
    [10, 'participant-unwritable'],
    [11, 'event-unwritable'],
  ] as const) {
    t.strictSame(codes(site.take(study(number))), [code], code)
  }
  t.match(
    site.take(study(8)),
    [
      { type: 'request', project: 'FREE', participant: '../../etc/passwd' },
      { type: 'request', project: 'A' },
    ],
    'printable: whoever makes a path of it escapes it',
  )
  t.match(site.take(study(9)), [{ participant: '=cmd|calc' }])
  const several = study(1, { revision: 2, warnings: [{ code: 'patient-conflict', where: '' }] })
  t.strictSame(codes(site.take(several)), ['patient-conflict'])
})

t.test('AutoID: before the last name is given that is said', async (t) => {
  const log: string[] = []
  const told = pino({ level: 'warn' }, { write: (line: string) => void log.push(line) })
  await using site = await bench(
    {
      requests: [{ rules: [{ when: { Modality: '' }, project: 'A', participant: 'autoId' }] }],
      projects: { A: { destinations: [], requests: { autoId: 'A_[0-1][0-9]' } } },
    },
    undefined,
    true,
    told,
  )
  for (let number = 0; number < 17; number += 1) site.take(study(number))
  t.strictSame(log, [])
  for (let number = 17; number < 20; number += 1) site.take(study(number))
  t.strictSame(
    log.map((line) => (JSON.parse(line) as { left: number }).left),
    [2, 1, 0],
  )
  t.strictSame(codes(site.take(study(20))), ['pattern-exhausted'])
})

t.test('AutoID: one name for a patient, none for two, none when all are given', async (t) => {
  await using site = await bench({
    requests: [{ rules: [{ when: { Modality: '' }, project: 'A', participant: 'autoId' }] }],
    projects: { A: { destinations: [], requests: { naming: '^A_[0-4]$' } } },
  })
  const names = new Map<string, unknown>()
  for (const id of ['a1', 'b2', 'c3', 'd4']) {
    const [made] = site.take(study(id.charCodeAt(0), { PatientID: id }))
    t.match(made?.['participant'], /^A_[0-4]$/)
    names.set(id, made?.['participant'])
  }
  t.equal(new Set(names.values()).size, 4)
  t.match(site.take(study(500, { PatientID: 'b2 ' })), [{ participant: names.get('b2') }])
  t.strictSame(codes(site.take(study(501, { PatientID: 'B2' }))), ['similar-patient'])
  t.strictSame(codes(site.take(study(502, { PatientID: '0b 2' }))), ['similar-patient'])
  t.equal(site.take(study(503, { PatientID: '' })).length, 1, 'a study of nobody is somebody')
  t.strictSame(codes(site.take(study(504, { PatientID: 'e5' }))), ['pattern-exhausted'])
  t.notMatch(JSON.stringify(site.store.database.prepare('SELECT * FROM binding').all()), /a1|b2/)
})

t.test(
  'a study that waits is matched when the table changes; a broken table changes nothing',
  async (t) => {
    const dir = t.testdir({ 't.csv': 'AccessionNumber,project,participant\n00A1,A,S1\n' })
    const table = join(dir, 't.csv')
    const put = (text: string) => {
      writeFileSync(`${table}.new`, `AccessionNumber,project,participant\n${text}`)
      renameSync(`${table}.new`, table)
    }
    await using site = await bench({ requests: [{ table: { file: table } }] })
    t.strictSame(site.take(study(1)), [])
    t.match(
      site.store.studies.find('request', 'default/1.2.1')?.why,
      /t\.csv, line 2, does not fit it/,
    )
    put('A1,A\n')
    while ((site.store.meta('trouble:table-1') ?? '') === '') await delay(50)
    t.match(site.store.meta('trouble:table-1'), /t\.csv:2: the participant is missing/)
    t.strictSame(site.later(), [])
    put('A1,A,S1\n')
    while (site.store.meta('trouble:table-1') !== '') await delay(50)
    const [made, ...more] = site.later()
    t.match(made, { type: 'request', participant: 'S1', requestedBy: 't.csv, line 2' })
    t.strictSame(more, [])
    t.strictSame(site.later(), [])
    put('A1,A,S1\nA1,B,S2\n')
    let second: readonly unknown[] = []
    while (second.length === 0) {
      await delay(50)
      second = site.later()
    }
    t.match(
      second,
      [{ type: 'request', project: 'B', participant: 'S2' }],
      'decided, and more is asked for',
    )
  },
)

t.test('rows expire, by their date or since they were first seen', async (t) => {
  const dir = t.testdir({
    't.csv':
      'AccessionNumber,project,participant,date\nA1,A,S1,2026-06-10\nA2,A,S2,2026-05-01\nA3,A,S3,\n',
  })
  await using site = await bench({
    requests: [{ table: { file: join(dir, 't.csv'), expireDays: 14 } }],
  })
  t.equal(site.take(study(1)).length, 1)
  t.equal(site.take(study(2)).length, 0)
  t.match(site.store.studies.find('request', 'default/1.2.2')?.why, /t\.csv, line 3, has expired/)
  t.equal(site.take(study(3)).length, 1)
  site.day('2026-06-30')
  t.equal(site.take(study('33', { AccessionNumber: 'A3' })).length, 0)
  t.equal(site.take(study(1, { revision: 2 })).length, 1, 'what was requested stays so')
})

t.test(
  'by hand: before sources, before the study came, and not against what is known',
  async (t) => {
    const directory = join(t.testdir({}), 'state')
    const dir = t.testdir({ 't.csv': 'PatientID,project,participant\nP1,A,S1\nP2,A,S2\nP2,A,S3\n' })
    const config = {
      requests: [{ table: { file: join(dir, 't.csv') } }],
      projects: { A: { destinations: [] } },
    }
    await using site = await bench(config, directory)
    using other = await Store.open(directory)
    const projects = new Projects(config.projects, [], Date.now, () => undefined)
    const decide = (more: Partial<typeof hand> & { study: string }) =>
      decideByHand({ ...hand, ...more }, other, projects, Date.now())
    const [held] = site.take(study(2))
    t.equal(held?.type, 'held')
    site.take(study(1))
    t.throws(() => decide({ study: '1.2.2', project: 'A' as never, participant: 'S1' as never }), {
      code: 'E_REQUEST_REFUSED',
      hint: /--same-patient/,
    })
    t.throws(() => decide({ study: '1.2.2', project: 'B' as never, participant: 'S2' as never }), {
      code: 'E_REQUEST_REFUSED',
    })
    t.throws(() => decide({ study: '../x', project: 'A' as never, participant: 'S2' as never }), {
      code: 'E_UID_INVALID',
    })
    decide({ study: '1.2.2', project: 'A' as never, participant: 'S2' as never })
    t.match(site.later(), [
      {
        type: 'request',
        participant: 'S2',
        requestId: held?.['requestId'],
        requestedBy: 'by hand (me)',
      },
    ])
    t.strictSame(site.store.holds.of('default/1.2.2'), [])
    decide({ study: '1.2.9', project: 'A' as never, participant: 'S9' as never })
    t.match(site.take(study(9)), [{ type: 'request', participant: 'S9' }])
    decide({
      study: '1.2.9',
      project: 'A' as never,
      participant: 'S1' as never,
      samePatient: true,
    })
    t.match(site.later(), [{ participant: 'S1' }])
    t.match(
      site.take(study(9, { revision: 2 })),
      [{ participant: 'S1', revision: 2 }],
      'not as before',
    )
    decide({ study: '1.2.9', drop: true })
    t.strictSame(site.later(), [])
    t.strictSame(site.take(study(9, { revision: 3 })), [])
  },
)

t.test('what was matched later is told again until it has arrived', async (t) => {
  const directory = join(t.testdir({}), 'state')
  const wait = await bench({}, directory)
  wait.take(study(1))
  await wait[Symbol.asyncDispose]()
  const config = {
    requests: [{ rules: [{ when: { PatientID: 'P' }, project: 'A', participant: 'S' }] }],
  }
  const first = await bench(config, directory)
  const [made] = first.later()
  t.match(made, { type: 'request', participant: 'S' })
  await first.matcher.mark({ type: 'mark', seq: 5, committed: 4 })
  await first[Symbol.asyncDispose]()
  const second = await bench(config, directory)
  t.strictSame(second.later(), [made], 'word for word')
  await second.matcher.mark({ type: 'mark', seq: 6, committed: 5 })
  await second.matcher.mark({ type: 'mark', seq: 7, committed: 6 })
  await second[Symbol.asyncDispose]()
  await using third = await bench(config, directory)
  t.strictSame(third.later(), [])
})

t.test(
  'ten thousand studies that wait: each is looked at, and nothing is said of them',
  async (t) => {
    await using site = await bench({
      requests: [{ rules: [{ when: { PatientID: '^Q' }, project: 'A', participant: 'S' }] }],
    })
    for (let number = 0; number < 10_000; number += 1) site.take(study(number))
    t.equal(site.store.studies.count('request', 'waiting'), 10_000)
    site.matcher.changed(undefined)
    t.strictSame(site.later(), [])
  },
)
