import { join } from 'node:path'
import t from 'tap'
import { decideByHand, Projects } from '../../src/lib/request/index.ts'
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

t.test('what is held is decided by its number, which says study and project', async (t) => {
  const dir = t.testdir({ 't.csv': 'PatientID,project,participant\nP1,A,S1\nP1,A,S2\nP1,B,T1\n' })
  const config = {
    requests: [{ table: { file: join(dir, 't.csv') } }],
    projects: { A: { destinations: [] }, B: { destinations: [] } },
  }
  await using site = await bench(config, join(dir, 'state'))
  const [made, held] = site.take(study(1))
  t.match(held, { type: 'held', project: 'A' })
  const requestId = String(held?.['requestId'])
  t.equal(held?.['how'], `decide ${requestId}`, 'which tells nothing of anybody')
  t.match(site.store.studies.undecided('request'), [{ state: 'held', studies: 1 }])
  const projects = new Projects(config.projects, [], Date.now, () => undefined)
  const decide = (study: string, more: object) =>
    decideByHand({ ...hand, study, ...more }, site.store, projects, Date.now())
  t.throws(() => decide(requestId, { project: 'B', drop: true }), { code: 'E_USAGE' })
  t.throws(() => decide('0123456789ABCDEFGHJK', { drop: true }), {
    code: 'E_NOT_HELD',
    hint: /fiona request waiting.*fiona-anon review/,
  })
  t.match(decide(requestId, { participant: 'S2' }), /1\.2\.1 goes to A as S2/)
  t.match(site.take(study(1)), [
    { type: 'request', project: 'A', participant: 'S2', requestId },
    { type: 'request', project: 'B', participant: 'T1', requestId: made?.['requestId'] },
  ])
  t.strictSame(site.store.studies.undecided('request'), [])
  t.match(decide(String(made?.['requestId']), { drop: true }), /1\.2\.1 is not requested for B/)
  t.match(site.take(study(1)), [{ project: 'A', participant: 'S2' }])
})
