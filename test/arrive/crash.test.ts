import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { Arrival } from '../../src/lib/arrive/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import {
  Clock,
  arrivalOf,
  instance,
  listed,
  ofType,
  pass,
  quietMs,
  type ObjectName,
} from './objects.ts'

const stateDirectory = () => mkdtempSync(join(tmpdir(), 'fiona-arrive-'))

/** A stage around the filter: a journal before it, one behind it, marks, a cursor, and crashes. */
class Stage {
  readonly journal: AnyRecord[] = []
  /** What the next in line has for good, and what it may have seen without that. */
  readonly committed: AnyRecord[] = []
  readonly seen: AnyRecord[] = []
  readonly clock = new Clock()
  readonly directory = stateDirectory()
  #arrival: Arrival | undefined
  readonly #dead: Arrival[] = []
  #fed = 0
  #cursor = 0
  #seq = 0
  #committedSeq: number | undefined
  /** Came out and is not committed: records, and marks with the position they stand for. */
  #flight: (AnyRecord | { readonly mark: number; readonly fed: number })[] = []
  #syncedBytes = 0

  async arrival(): Promise<Arrival> {
    this.#arrival ??= await arrivalOf(this.clock, {
      directory: this.directory,
      deliveredBy: 'marks',
      atEnd: 'keep',
      shortLogBytes: 1500,
    })
    // Nobody closes the files of the dead here; by now the log is no longer theirs.
    for (const dead of this.#dead.splice(0)) await dead.close().catch(() => undefined)
    return this.#arrival
  }

  async feed(count: number): Promise<void> {
    const arrival = await this.arrival()
    for (; count > 0 && this.#fed < this.journal.length; count--) {
      const record = this.journal[this.#fed++]
      if (record !== undefined) this.#out(listed(await arrival.record(record)))
    }
  }

  async wait(ms: number): Promise<void> {
    this.#out(await pass(await this.arrival(), this.clock, ms))
  }

  async mark(): Promise<void> {
    const seq = ++this.#seq
    const committed = this.#committedSeq === undefined ? {} : { committed: this.#committedSeq }
    await (await this.arrival()).mark({ type: 'mark', seq, ...committed })
    this.#flight.push({ mark: seq, fed: this.#fed })
    this.#noteSynced()
  }

  /** Everything up to the last mark that came out is the next one's for good. */
  commit(): void {
    const last = this.#flight.findLastIndex((one) => 'mark' in one)
    for (const one of this.#flight.splice(0, last + 1)) {
      if ('mark' in one) {
        this.#cursor = one.fed as number
        this.#committedSeq = one.mark as number
      } else this.committed.push(one)
    }
  }

  /** kill -9, and then the power: of what was not synced any part may be lost. */
  crash(part: number): void {
    if (this.#arrival !== undefined) this.#dead.push(this.#arrival)
    this.#arrival = undefined
    this.#flight = []
    this.#fed = this.#cursor
    const log = join(this.directory, 'log')
    const bytes = statSync(log, { throwIfNoEntry: false })?.size ?? 0
    const loose = Math.max(0, bytes - this.#syncedBytes)
    if (loose > 0) truncateSync(log, bytes - Math.floor(loose * part))
    this.#syncedBytes = 0
  }

  #out(records: readonly AnyRecord[]): void {
    const decided = records.filter(({ type }) => type !== 'instance')
    this.#flight.push(...records)
    this.seen.push(...decided)
    if (decided.length > 0) this.#noteSynced()
  }

  #noteSynced(): void {
    this.#syncedBytes = statSync(join(this.directory, 'log'), { throwIfNoEntry: false })?.size ?? 0
  }
}

type Event =
  | { readonly do: 'arrive'; readonly name: Required<ObjectName> }
  | { readonly do: 'feed'; readonly count: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'mark' }
  | { readonly do: 'commit' }
  | { readonly do: 'crash'; readonly part: number }

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      name: fc.record({
        study: fc.integer({ min: 1, max: 3 }),
        series: fc.integer({ min: 1, max: 2 }),
        object: fc.integer({ min: 1, max: 6 }),
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('feed' as const),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.integer({ min: 1, max: 2 * quietMs }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('mark' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
)

async function play(events: readonly Event[]): Promise<Stage> {
  const stage = new Stage()
  for (const one of events) {
    if (one.do === 'arrive') stage.journal.push(instance(one.name))
    else if (one.do === 'feed') await stage.feed(one.count)
    else if (one.do === 'wait') await stage.wait(one.ms)
    else if (one.do === 'mark') await stage.mark()
    else if (one.do === 'commit') stage.commit()
    else stage.crash(one.part)
  }
  await stage.feed(Infinity)
  await stage.wait(2 * quietMs)
  await stage.mark()
  stage.commit()
  await (await stage.arrival()).close()
  return stage
}

/** Each study's revisions, said once or more, but always the same. */
function revisionsOf(records: readonly AnyRecord[]): Map<string, Map<number, string>> {
  const studies = new Map<string, Map<number, string>>()
  for (const study of ofType('study', records)) {
    const uid = String(study['StudyInstanceUID'])
    const revisions = studies.get(uid) ?? new Map<number, string>()
    const revision = Number(study['revision'])
    const text = JSON.stringify(study)
    const before = revisions.get(revision)
    if (before !== undefined && before !== text)
      throw new Error(`two revisions ${String(revision)}`)
    studies.set(uid, revisions.set(revision, text))
  }
  return studies
}

t.test(
  'whatever is killed when, each object is in exactly one revision of its study',
  async (t) => {
    const law = fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const stage = await play(events)
      const expected = new Map<string, Set<string>>()
      for (const record of stage.journal) {
        const uid = String(record['StudyInstanceUID'])
        expected.set(uid, (expected.get(uid) ?? new Set()).add(String(record['SOPInstanceUID'])))
      }
      revisionsOf([...stage.seen, ...stage.committed])
      const studies = revisionsOf(stage.committed)
      if (studies.size !== expected.size) throw new Error('a study is missing')
      for (const [uid, revisions] of studies) {
        let instances = 0
        for (let revision = 1; revision <= revisions.size; revision++) {
          const study = JSON.parse(revisions.get(revision) ?? '{}') as Record<string, number>
          instances += study['added'] ?? Number.NaN
          if (study['added'] === 0) throw new Error('a revision without news')
          if (study['instances'] !== instances) throw new Error('totals do not run')
        }
        if (instances !== expected.get(uid)?.size)
          throw new Error('an object is lost or counted twice')
      }
    })
    await t.resolves(fc.assert(law, { numRuns: 300 }))
  },
)

t.test('a decision is said again after a crash until a mark behind it is committed', async (t) => {
  const clock = new Clock()
  const options = { directory: stateDirectory(), deliveredBy: 'marks', atEnd: 'keep' } as const
  const first = await arrivalOf(clock, options)
  await first.record(instance())
  const said = await pass(first, clock, quietMs)
  await first.mark({ type: 'mark', seq: 7 })

  clock.ms += 5
  const second = await arrivalOf(clock, options)
  t.same(await pass(second, clock, 0), said, 'word for word, at once')
  await second.mark({ type: 'mark', seq: 8, committed: 7 })
  await second.mark({ type: 'mark', seq: 9, committed: 7 })

  const third = await arrivalOf(clock, options)
  await third.mark({ type: 'mark', seq: 10, committed: 9 })
  t.same(
    await third.record(instance({}, { duplicate: true })),
    [...said, instance({}, { duplicate: true })],
    'it was said again in the second life, and mark 8 stands for that',
  )
  await third.mark({ type: 'mark', seq: 11, committed: 10 })
  await third.mark({ type: 'mark', seq: 12, committed: 11 })

  const fourth = await arrivalOf(clock, options)
  t.same(await pass(fourth, clock, quietMs), [], 'mark 11 was behind it')
})

t.test('by hand a decision is delivered when it was written', async (t) => {
  const clock = new Clock()
  const directory = stateDirectory()
  const first = await arrivalOf(clock, { directory })
  await first.record(instance())
  await first.end()
  await first.close()
  const second = await arrivalOf(clock, { directory })
  await second.record(instance())
  t.same(await second.end(), [])
})

t.test('stopped is not ended: what is open stays open, and waits anew', async (t) => {
  const clock = new Clock()
  const options = { directory: stateDirectory(), atEnd: 'keep' } as const
  const first = await arrivalOf(clock, options)
  await first.record(instance({ object: 1 }))
  t.same(await first.end(), [])
  await first.close()
  clock.ms += 10 * quietMs
  const second = await arrivalOf(clock, options)
  t.equal(second.openStudies, 1)
  t.same(await pass(second, clock, quietMs - 1), [])
  await second.record(instance({ object: 2 }))
  t.match(await pass(second, clock, quietMs), [{ type: 'series' }, { type: 'study', instances: 2 }])
})

t.test('a study that was complete long ago goes on where it was', async (t) => {
  const clock = new Clock()
  const directory = stateDirectory()
  const options = { directory, shortLogBytes: 1 }
  const first = await arrivalOf(clock, options)
  await first.record(instance({ object: 1 }, { path: '/usb/1' }))
  await pass(first, clock, quietMs)
  await first.record(instance({ study: 2 }))
  await pass(first, clock, quietMs)
  t.ok(readdirSync(join(directory, 'complete/none')).includes('2.25.1.json'))
  t.notOk(readFileSync(join(directory, 'log'), 'utf8').includes('2.25.1.1.1'), 'the log is short')

  await first.record(instance({ object: 1 }, { path: '/usb/1' }))
  await first.record(instance({ object: 2 }))
  const again = { type: 'study', revision: 2, instances: 2, added: 1 }
  t.match((await pass(first, clock, quietMs))[1], again)
  await first.close()
  const second = await arrivalOf(clock, options)
  await second.record(instance({ object: 3 }))
  t.match((await pass(second, clock, quietMs))[1], { ...again, revision: 3, instances: 3 })
})

t.test('the one who comes last has the state; the other stops', async (t) => {
  const clock = new Clock()
  const directory = stateDirectory()
  const orphan = await arrivalOf(clock, { directory })
  await orphan.record(instance({ object: 1 }))
  await orphan.mark({ type: 'mark', seq: 1 })
  const heir = await arrivalOf(clock, { directory })
  await orphan.record(instance({ object: 2 }))
  await t.rejects(orphan.mark({ type: 'mark', seq: 2 }), { code: 'E_STATE_TAKEN', exitCode: 75 })
  await t.rejects(pass(orphan, clock, quietMs), { code: 'E_STATE_TAKEN' }, 'it decides nothing')
  clock.ms -= quietMs
  t.match((await pass(heir, clock, 2 * quietMs)).at(-1), { type: 'study', instances: 1 })
})

t.test('a log with a broken end goes on from what is whole, and keeps a copy', async (t) => {
  const clock = new Clock()
  const directory = stateDirectory()
  const first = await arrivalOf(clock, { directory })
  await first.record(instance({ object: 1 }))
  await first.mark({ type: 'mark', seq: 1 })
  const log = join(directory, 'log')
  const whole = readFileSync(log, 'utf8')
  writeFileSync(log, `${whole}\0\0\0\n{"step":"obj`)
  const told: unknown[] = []
  const second = await arrivalOf(clock, {
    directory,
    onBroken: (bytes, copy) => told.push(bytes, copy),
  })
  t.same(told, [16, `${log}.broken`])
  t.equal(second.openStudies, 1)
})

t.test('the state of another version is left alone', async (t) => {
  const directory = stateDirectory()
  writeFileSync(join(directory, 'log'), '{"format":"fiona-arrive state","version":1}\n')
  await t.rejects(arrivalOf(new Clock(), { directory }), { code: 'E_STATE_FORMAT' })
  t.match(readFileSync(join(directory, 'log'), 'utf8'), 'version":1')
})

t.test('projects with strange names keep apart and inside', async (t) => {
  const clock = new Clock()
  const directory = stateDirectory()
  const projects = ['..', '../../x', 'é', 'e\u0301', undefined, 'none', 'x'.repeat(300)]
  const first = await arrivalOf(clock, { directory, shortLogBytes: 1 })
  for (const project of projects) {
    await first.record(instance({}, project === undefined ? {} : { project }))
  }
  await first.end()
  await first.close()
  t.equal(readdirSync(join(directory, 'complete')).length, projects.length)
  const second = await arrivalOf(clock, { directory })
  for (const project of projects) {
    await second.record(instance({}, project === undefined ? {} : { project }))
  }
  t.same(await second.end(), [])
})
