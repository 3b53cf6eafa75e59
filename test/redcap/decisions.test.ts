import t from 'tap'
import {
  byCouplings,
  byRouting,
  compileRouting,
  CouplingIndex,
} from '../../src/lib/redcap/decisions.ts'
import type { Row } from '../../src/lib/redcap/answer.ts'
import {
  readCouplings,
  readProjects,
  readRouting,
  readTransfers,
} from '../../src/lib/redcap/tables.ts'

const row = (values: Record<string, string>): Row => new Map(Object.entries(values))
const asked = (values: Record<string, string[]>, StudyInstanceUID = '1.2.3') => ({
  StudyInstanceUID,
  values: (name: string) => values[name] ?? [],
})
const dictionary = [
  { field_name: 'routing_dest_project', choices: '1, My, Project | 2, OTHER | 10, TEN' },
]
const rule = (values: Record<string, string>) =>
  row({ record_id: '7', routing_active: '1', routing_dest_project: '1', ...values })

const routed: readonly [string, Record<string, string>, Record<string, string[]>, string?][] = [
  [
    'called AE title and PatientID',
    { routing_incoming_aetitle: 'R1', routing_allowed_patientid: 'P[0-9]+$' },
    { calledAET: ['R1'], PatientID: ['P12'] },
    'P12',
  ],
  [
    'padded AE title',
    { routing_incoming_aetitle: 'R1', routing_allowed_patientid: 'P' },
    { calledAET: [' R1\u0000\t'], PatientID: ['P12'] },
    'P12',
  ],
  [
    'calling AE title',
    { routing_sending_aetitle: 'S1', routing_allowed_patientid: 'P' },
    { callingAET: ['S1'], PatientID: ['P12'] },
    'P12',
  ],
  [
    'PatientName where the ID does not fit',
    {
      routing_incoming_aetitle: 'R1',
      routing_allowed_patientid: 'X',
      routing_allowed_patientname: 'P',
    },
    { calledAET: ['R1'], PatientID: ['1'], PatientName: ['P9'] },
    'P9',
  ],
  [
    'anchored at the beginning',
    { routing_incoming_aetitle: 'R1', routing_allowed_patientid: 'P|Q' },
    { calledAET: ['R1'], PatientID: ['xQ'] },
  ],
  [
    'an alternative is anchored, too',
    { routing_incoming_aetitle: 'R1', routing_allowed_patientid: 'P|Q' },
    { calledAET: ['R1'], PatientID: ['Q1'] },
    'Q1',
  ],
  [
    'flags in front',
    { routing_incoming_aetitle: 'R1', routing_allowed_patientid: '(?i)p' },
    { calledAET: ['R1'], PatientID: ['P1'] },
    'P1',
  ],
  [
    'another AE title',
    { routing_incoming_aetitle: 'R1', routing_allowed_patientid: '.*' },
    { calledAET: ['R2'], PatientID: ['P1'] },
  ],
  [
    'no AE title in the rule',
    { routing_allowed_patientid: '.*' },
    { calledAET: [''], PatientID: ['P1'] },
  ],
  [
    'no pattern in the rule',
    { routing_incoming_aetitle: 'R1' },
    { calledAET: ['R1'], PatientID: ['P1'] },
  ],
  [
    'a rule that is not active',
    { routing_active: '0', routing_incoming_aetitle: 'R1', routing_allowed_patientid: '.*' },
    { calledAET: ['R1'], PatientID: ['P1'] },
  ],
]
for (const [what, values, facts, participant] of routed) {
  t.test(`routing: ${what}`, async (t) => {
    const rules = compileRouting(readRouting([rule(values)], dictionary), (...why) =>
      t.fail(why.join()),
    )
    t.strictSame(
      byRouting(rules, asked(facts)),
      participant === undefined
        ? []
        : [
            {
              project: 'My, Project',
              participant,
              event: undefined,
              requestedBy: 'REDCap, Routing, record 7',
            },
          ],
    )
  })
}

t.test(
  'a pattern that is none is left out and told; one that would run for years does not',
  async (t) => {
    const refused: string[] = []
    const rules = compileRouting(
      readRouting(
        [
          rule({ routing_incoming_aetitle: 'R', routing_allowed_patientid: '(' }),
          rule({ routing_incoming_aetitle: 'R', routing_allowed_patientid: '(a+)+$' }),
        ],
        dictionary,
      ),
      (record, field) => refused.push(`${record} ${field}`),
    )
    t.strictSame(refused, ['7 routing_allowed_patientid'])
    t.strictSame(
      byRouting(rules, asked({ calledAET: ['R'], PatientID: [`${'a'.repeat(10_000)}!`] })),
      [],
    )
  },
)

t.test('couplings are found by accession number or study, until they end', async (t) => {
  const entry = (record_id: string, more: Record<string, string>) =>
    row({ record_id, cl_projectname: 'P', cl_subjectid: 'S1', cl_eventname: 'E', ...more })
  const couplings = readCouplings([
    entry('1', { cl_accessionnumber: ' A1 ', cl_date: '2026-01-01' }),
    entry('2', { cl_studyinstanceuid: '1.2.3', cl_accessionnumber: 'A1' }),
    entry('3', { cl_accessionnumber: 'A2', cl_subjectid: '' }),
    entry('4', { cl_accessionnumber: '', cl_date: '' }),
  ])
  t.equal(couplings.length, 2)
  const index = new CouplingIndex(couplings, 14)
  const found = (day: string, number: string, uid = '9.9') =>
    byCouplings(index, asked({ AccessionNumber: [number] }, uid), day).map((one) =>
      one.requestedBy.slice(-1),
    )
  t.strictSame(found('2026-01-15', 'A1'), ['1', '2'])
  t.strictSame(found('2026-01-16', 'A1'), ['2'], 'the first has ended')
  t.strictSame(found('2026-01-01', 'other', '1.2.3'), ['2'])
  t.strictSame(found('2026-01-01', 'A1 '), ['1', '2'], 'padded')
  t.strictSame(found('2026-01-01', ''), [])
})

t.test('transfers count when they name project and participant, each instance once', async (t) => {
  const transfer = (instance: string, more: Record<string, string>) =>
    row({
      study_instance_uid: '1.2.3',
      redcap_repeat_instrument: 'transfers',
      redcap_repeat_instance: instance,
      transfer_project_name: 'P',
      transfer_name: 'S1',
      ...more,
    })
  const found = readTransfers([
    transfer('1', {}),
    transfer('1', { transfer_name: 'again' }),
    transfer('2', { transfer_event_name: ' m6 ' }),
    transfer('3', { transfer_name: ' ' }),
    transfer('x', {}),
    transfer('-1', {}),
    transfer('4', { redcap_repeat_instrument: 'series' }),
    transfer('5', { study_instance_uid: '__proto__' }),
  ])
  t.match(found.get('1.2.3'), [
    { instance: 1, participant: 'S1', event: undefined },
    { instance: 2, event: 'm6' },
  ])
  t.equal(found.get('1.2.3')?.length, 2)
})

t.test('a project is active when it says so', async (t) => {
  const projects = readProjects([
    row({
      record_id: 'A',
      project_active: '1',
      project_patient_naming: 'A_\\d+',
      project_rec_start_date: '2026-01-01',
      project_rec_end_date: 'soon',
    }),
    row({ record_id: 'B', project_active: '' }),
    row({ record_id: 'A', project_active: '0' }),
    row({
      record_id: 'C',
      project_active: '1',
      redcap_repeat_instrument: 'rewritepixelexclusions',
    }),
  ])
  t.strictSame([...projects.keys()], ['A', 'B'])
  t.match(projects.get('A'), {
    naming: 'A_\\d+',
    isActive: true,
    from: '2026-01-01',
    until: undefined,
  })
  t.match(projects.get('B'), { isActive: false, naming: undefined })
})
