import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { FaultPoint } from '../../src/lib/fault/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { run, start } from '../fixtures/peers.ts'
import { study } from '../request/requests.ts'

/** As many patients as the pattern has names: one that is lost on the way would be missed. */
const patients = 30

function recordsIn(stdout: string): AnyRecord[] {
  // Of a process that was killed the last line may be half of one.
  const lines = stdout.split('\n').slice(0, -1)
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AnyRecord)
}

const input = (process: number) =>
  Array.from({ length: 2 * patients }, (_, at) => {
    const of = `${String(process)}.${String(at)}`
    return `${JSON.stringify(study(of, { PatientID: `P${String(at % patients)}` }))}\n`
  }).join('')

for (const point of ['request.named', 'request.decided'] satisfies FaultPoint[]) {
  for (const nth of [1, 7, 20]) {
    t.test(
      `killed at ${point}, the ${String(nth)}th, beside another process: one name each, none lost`,
      async (t) => {
        const dir = t.testdir({})
        const config = join(dir, 'fiona.json')
        const rule = { when: { PatientID: 'P' }, project: 'A', participant: 'autoId' }
        const settings = {
          dataDir: 'var',
          requests: [{ rules: [rule] }],
          projects: { A: { requests: { autoId: 'A[0-2][0-9]' } } },
        }
        writeFileSync(config, JSON.stringify(settings))
        const args = ['--config', config, '--log-level', 'error']
        const killed = start('fiona-request', args, {
          env: { FIONA_FAULT_POINT: `${point}:${String(nth)}`, FIONA_FAULT_DIRECTORY: dir },
        })
        let said = ''
        killed.stdin?.on('error', () => undefined)
        killed.stdout?.on('data', (chunk: Buffer) => {
          said += chunk.toString()
        })
        killed.stdin?.end(input(1))
        const [other] = await Promise.all([
          run('fiona-request', args, { input: input(2) }),
          once(killed, 'close'),
        ])
        // The other one may have given all names before it came that far.
        if (killed.signalCode !== 'SIGKILL') t.notOk(existsSync(join(dir, point)))
        const again = await run('fiona-request', args, { input: input(1) })
        t.equal(again.code, 0, again.stderr)
        const names = new Map<number, Set<unknown>>()
        const all = [said, other.stdout, again.stdout].flatMap(recordsIn)
        t.strictSame(
          all.filter(({ type }) => type !== 'request'),
          [],
          'no name was missing',
        )
        for (const { StudyInstanceUID, participant } of all) {
          const patient = Number(String(StudyInstanceUID).split('.').at(-1)) % patients
          names.set(patient, (names.get(patient) ?? new Set()).add(participant))
        }
        t.equal(names.size, patients)
        t.ok([...names.values()].every((each) => each.size === 1))
        t.equal(new Set([...names.values()].flatMap((each) => [...each])).size, patients)
      },
    )
  }
}
