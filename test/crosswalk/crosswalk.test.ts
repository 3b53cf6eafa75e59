import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  Crosswalk,
  type Link,
  type ParticipantLink,
  Seals,
  WhoIsWho,
  lookUp,
  namesOf,
  reseal,
} from '../../src/lib/crosswalk/index.ts'
import { limitFileSize } from '../fixtures/file-size-limit.ts'
import { projectRoot } from '../fixtures/peers.ts'
import { tsx } from '../fixtures/program.ts'

type Keys = readonly [Buffer, ...Buffer[]]
const keys: Keys = [Buffer.alloc(32, 7)]
const others: Keys = [Buffer.alloc(32, 8)]

const participant = (PatientID: string, more: Partial<Link> = {}): Link =>
  ({
    kind: 'participant',
    project: 'p',
    participant: `of-${PatientID}`,
    PatientID,
    ...more,
  }) as Link

const studyOf = (StudyInstanceUID: string): Link => ({
  kind: 'study',
  project: 'p',
  participant: 'S1',
  StudyInstanceUID,
  newStudyInstanceUID: `2.25.9${StudyInstanceUID}`,
})

function newPath(t: Tap): string {
  const directory = mkdtempSync(join(tmpdir(), 'fiona-crosswalk-'))
  t.teardown(() => {
    rmSync(directory, { recursive: true })
  })
  return join(directory, 'crosswalk.ndjson')
}
type Tap = Pick<typeof t, 'teardown'>

async function linksIn(path: string, by: Keys = keys): Promise<Link[]> {
  const links: Link[] = []
  await new WhoIsWho(path, new Seals(by)).each((link) => {
    const undated = { ...link }
    delete (undated as { time?: string }).time
    links.push(undated)
  })
  return links
}

async function conditionOf(path: string, by: Keys = keys) {
  return new WhoIsWho(path, new Seals(by)).each(() => undefined)
}

async function noted(path: string, links: readonly Link[], by: Keys = keys): Promise<void> {
  const crosswalk = await Crosswalk.open(path, by)
  await crosswalk.note(links)
  await crosswalk.close()
}

t.test(
  'nothing of a link can be read without the key, and with it each is there once',
  async (t) => {
    const path = newPath(t)
    const links = [participant('EX-0001'), studyOf('1.2.3')]
    await noted(path, links)
    await noted(path, [...links, participant('EX-0002')])
    const text = readFileSync(path, 'utf8')
    t.notMatch(text, /EX-000|1\.2\.3|participant|of-/)
    t.same(await linksIn(path), [...links, participant('EX-0002')])
    t.equal(text.split('\n').length, 4)
    t.equal(statSync(path).mode & 0o777, 0o600)
  },
)

t.test('a changed bit is noticed, and the other lines are read', async (t) => {
  const path = newPath(t)
  await noted(
    path,
    ['a', 'b', 'c'].map((id) => participant(id)),
  )
  const lines = readFileSync(path, 'utf8').split('\n')
  const [, second = ''] = lines
  const at = second.indexOf('"sealed":"') + 30
  lines[1] = second.slice(0, at) + (second[at] === 'A' ? 'B' : 'A') + second.slice(at + 1)
  writeFileSync(path, lines.join('\n'))
  t.same(await linksIn(path), [participant('a'), participant('c')])
  t.same((await conditionOf(path)).damaged, [2])
  // The id belongs to the line: another one's is none.
  const [first = '', , third = ''] = lines
  const idOf = (line: string) => (JSON.parse(line) as { id: string }).id
  writeFileSync(path, `${first.replace(idOf(first), idOf(third))}\n`)
  t.same((await conditionOf(path)).damaged, [1])
})

t.test('after a write that failed in the middle of a line, every link is kept', async (t) => {
  const path = newPath(t)
  const crosswalk = await Crosswalk.open(path, keys)
  await crosswalk.note([participant('before')])
  const { size } = statSync(path)
  for (const more of [0, 1, 40]) {
    limitFileSize(statSync(path).size + more)
    try {
      await t.rejects(crosswalk.note([participant('torn')]), { code: 'EFBIG' })
    } finally {
      limitFileSize('unlimited')
    }
  }
  t.ok(statSync(path).size > size, 'a part of the line was written')
  await crosswalk.note([participant('torn')])
  await crosswalk.note([participant('after')])
  await crosswalk.close()
  t.same(
    await linksIn(path),
    ['before', 'torn', 'after'].map((id) => participant(id)),
  )
})

t.test('a line that runs into one that another process left half is written again', async (t) => {
  const path = newPath(t)
  const crosswalk = await Crosswalk.open(path, keys)
  await crosswalk.note([participant('a')])
  appendFileSync(path, '{"v":2,"id":"half')
  await crosswalk.note([participant('b')])
  await crosswalk.close()
  t.same(await linksIn(path), [participant('a'), participant('b')])
  // The process died in its last line, and another one begins.
  appendFileSync(path, '{"v":2,"id":"half')
  await noted(path, [participant('c')])
  t.same((await linksIn(path)).length, 3)
})

t.test(
  'what another process noted is not noted again, and counts as durable only when synced',
  async (t) => {
    const path = newPath(t)
    const [one, other] = [await Crosswalk.open(path, keys), await Crosswalk.open(path, keys)]
    await one.note([participant('a')])
    await other.note([participant('b'), participant('a')])
    await one.note([participant('b')])
    await Promise.all([one.close(), other.close()])
    const links = await linksIn(path)
    t.same(
      new Set(links.map((link) => (link as { PatientID: string }).PatientID)),
      new Set(['a', 'b']),
    )
  },
)

t.test('lines from before they were sealed are read, go on, and can be sealed', async (t) => {
  const path = newPath(t)
  const old = [participant('a'), studyOf('1.2.3')]
  const lines = old.map(
    (link) => `${JSON.stringify({ time: '2026-01-01T00:00:00.000Z', ...link })}\n`,
  )
  writeFileSync(path, lines.join(''), { mode: 0o600 })
  await noted(path, [...old, participant('b')])
  t.match(await conditionOf(path), { plain: 2, links: 3 })
  await reseal(path, keys)
  t.match(await conditionOf(path), { plain: 0, links: 3 })
  t.notMatch(readFileSync(path, 'utf8'), /1\.2\.3/)
  t.same(await linksIn(path), [...old, participant('b')])
  t.notOk(existsSync(`${path}.before-reseal`))
})

t.test(
  'another key opens nothing and is refused; given both, the first seals from then on',
  async (t) => {
    const path = newPath(t)
    await noted(path, [participant('a')])
    await t.rejects(Crosswalk.open(path, others), { code: 'E_CROSSWALK_KEY', exitCode: 78 })
    await t.rejects(reseal(path, others), { code: 'E_CROSSWALK_KEY' })
    t.same(await linksIn(path), [participant('a')], 'nothing was changed')
    const both: Keys = [others[0], keys[0]]
    await noted(path, [participant('a'), participant('b')], both)
    t.match(await conditionOf(path, both), { otherKey: 1, links: 2 })
    await reseal(path, both)
    t.same(await linksIn(path, others), [participant('a'), participant('b')])
  },
)

t.test(
  'a process that has the crosswalk open goes on in the one that was sealed anew',
  async (t) => {
    const path = newPath(t)
    const both: Keys = [others[0], keys[0]]
    const crosswalk = await Crosswalk.open(path, both)
    await crosswalk.note([participant('a')])
    await reseal(path, both)
    await crosswalk.note([participant('b')])
    await crosswalk.note([participant('c')])
    await crosswalk.close()
    t.same(
      await linksIn(path, both),
      ['a', 'b', 'c'].map((id) => participant(id)),
    )
  },
)

t.test('of a process that died while sealing anew nothing is lost', async (t) => {
  const path = newPath(t)
  await noted(path, [participant('a'), participant('late')])
  writeFileSync(`${path}.before-reseal`, readFileSync(path), { mode: 0o600 })
  const [first = ''] = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, `${first}\n`)
  await reseal(path, keys)
  t.same(await linksIn(path), [participant('a'), participant('late')])
})

t.test('what others may read, a link or a folder is not opened', async (t) => {
  const path = newPath(t)
  await noted(path, [participant('a')])
  chmodSync(path, 0o640)
  await t.rejects(Crosswalk.open(path, keys), { code: 'E_CROSSWALK_MODE', exitCode: 77 })
  await t.rejects(linksIn(path), { code: 'E_CROSSWALK_MODE', hint: /chmod 600/ })
  symlinkSync(path, `${path}.link`)
  await t.rejects(linksIn(`${path}.link`), { code: 'E_CROSSWALK_MODE' })
  await t.rejects(linksIn(`${path}.none`), { code: 'E_CROSSWALK_MISSING', exitCode: 65 })
})

t.test('a counted name is given once, and a patient keeps it', async (t) => {
  const path = newPath(t)
  await noted(path, [participant('known', { participant: 'P-2' })])
  const names = namesOf('P-[0-9]')
  const whom = (PatientID: string) => ({ project: 'p', PatientID })
  const one = await Crosswalk.open(path, keys)
  t.equal(await one.count(whom('a'), names), 'P-1')
  t.equal(await one.count(whom('b'), names), 'P-3', 'another patient is P-2 already')
  t.equal(await one.count(whom('a'), names), 'P-1')
  t.equal(await one.count(whom('known'), names), 'P-2')
  t.equal(await one.count({ project: 'q', PatientID: 'b' }, names), 'P-1', 'each project counts')
  t.equal(await one.count({ project: 'p', PatientID: 'a', IssuerOfPatientID: 'X' }, names), 'P-4')
  await one.close()
  const later = await Crosswalk.open(path, keys)
  t.equal(await later.count(whom('c'), names), 'P-5')
  for (const id of 'defgh') await later.count(whom(id), names)
  await t.rejects(later.count(whom('one too many'), names), { code: 'E_PSEUDONYMS_EXHAUSTED' })
  await later.close()
})

t.test('where a line was damaged, no name is counted: it might be given twice', async (t) => {
  const path = newPath(t)
  const first = await Crosswalk.open(path, keys)
  await first.count({ project: 'p', PatientID: 'a' }, namesOf('P[0-9]'))
  await first.close()
  const text = readFileSync(path, 'utf8')
  for (const changed of [
    text.replace('"sealed":"', '"sealed":"A'),
    text.replace('"key"', 'key"'),
  ]) {
    writeFileSync(path, changed)
    const crosswalk = await Crosswalk.open(path, keys)
    const counting = crosswalk.count({ project: 'p', PatientID: 'b' }, namesOf('P[0-9]'))
    await t.rejects(counting, { code: 'E_CROSSWALK_DAMAGED' })
    await crosswalk.note([participant('x')])
    await crosswalk.close()
  }
})

t.test('several processes that count, and are killed, never give a name twice', async (t) => {
  const path = newPath(t)
  const script = `
    import { Crosswalk, namesOf } from ${JSON.stringify(join(projectRoot, 'src/lib/crosswalk/index.ts'))}
    const crosswalk = await Crosswalk.open(${JSON.stringify(path)}, [Buffer.alloc(32, 7)])
    const names = namesOf('P[0-9]{4}')
    for (let n = 0; n < 40; n += 1) {
      const PatientID = process.argv[1] + (n % 3 === 0 ? 'own' : 'common') + n
      const id = n % 3 === 0 ? PatientID : 'common' + n
      console.log(JSON.stringify([id, await crosswalk.count({ project: 'p', PatientID: id }, names)]))
    }`
  const said: string[] = []
  const processes = ['a', 'b', 'c'].map((name) => {
    const args = [`--import=${tsx}`, '--input-type=module', '-e', script, name]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      // One of them dies in the middle of its work.
      if (name === 'c' && out.split('\n').length > 8) child.kill('SIGKILL')
    })
    return once(child, 'close').then(() => said.push(...out.split('\n').slice(0, -1)))
  })
  await Promise.all(processes)
  const told = said.map((line) => JSON.parse(line) as [string, string])
  t.ok(told.length > 85, `${String(told.length)} names were told`)
  const byPatient = new Map<string, string>()
  for (const [patient, name] of told) {
    t.equal(byPatient.get(patient) ?? name, name, 'one name a patient')
    byPatient.set(patient, name)
  }
  t.equal(new Set(byPatient.values()).size, byPatient.size, 'one patient a name')
  const inFile = (await linksIn(path)) as { PatientID: string; participant: string }[]
  t.equal(new Set(inFile.map((link) => link.participant)).size, inFile.length)
  for (const link of inFile)
    if (byPatient.has(link.PatientID)) t.equal(byPatient.get(link.PatientID), link.participant)
})

/** Of two hundred patients and their studies, with an index of all but what the last process noted. */
async function indexed(path: string): Promise<void> {
  const crosswalk = await Crosswalk.open(path, keys, 0)
  for (let n = 0; n < 200; n += 1) {
    const name = `P${String(n)}`
    await crosswalk.note([
      participant(`secret-${String(n)}`, { participant: name }),
      { ...studyOf(`1.2.${String(n)}`), participant: name },
    ])
  }
  await crosswalk.close()
  const next = await Crosswalk.open(path, keys, 0)
  // Whoever looks something up waits for the index.
  await next.linksBy('patient', 'nobody')
  await next.close()
}

t.test(
  'links are noted and found while an index is made, and whoever closes stops it',
  async (t) => {
    const path = newPath(t)
    const first = await Crosswalk.open(path, keys, 0)
    await first.note(Array.from({ length: 900 }, (_, n) => participant(`a-${String(n)}`)))
    await first.close()
    await (await Crosswalk.open(path, keys, 0)).close()
    rmSync(`${path}.index`, { force: true })
    const crosswalk = await Crosswalk.open(path, keys, 0)
    await crosswalk.note([participant('a-7'), participant('b')])
    t.equal(crosswalk.size, 901)
    t.equal((await crosswalk.linksBy('patient', 'a-899')).length, 1)
    t.ok(existsSync(`${path}.index`))
    t.equal((await crosswalk.linksBy('patient', 'b')).length, 1)
    t.equal(crosswalk.size, 901)
    await crosswalk.note([participant('a-8'), participant('b')])
    t.equal((await linksIn(path)).length, 901, 'nothing is noted twice')
    await crosswalk.close()
  },
)

t.test('where the index cannot be written, all is found without', async (t) => {
  const path = newPath(t)
  await noted(path, [participant('a'), participant('b')])
  mkdirSync(`${path}.index`)
  const crosswalk = await Crosswalk.open(path, keys, 0)
  t.equal((await crosswalk.linksBy('patient', 'b')).length, 1)
  await crosswalk.close()
})

t.test('with an index the same is found as without, and what came later, too', async (t) => {
  const path = newPath(t)
  await indexed(path)
  t.equal(statSync(`${path}.index`).mode & 0o777, 0o600)
  await noted(path, [
    participant('secret-7', { participant: 'P7', project: 'q' }),
    { ...studyOf('1.2.7.2'), participant: 'P7' },
  ])
  const plain = `${path}.plain`
  writeFileSync(plain, readFileSync(path), { mode: 0o600 })
  const [one, other] = [await Crosswalk.open(path, keys), await Crosswalk.open(plain, keys)]
  t.equal(one.size, 402)
  for (const question of [
    { patient: ' secret-7 ' },
    { patient: 'secret-7', project: 'q' },
    { participant: 'P7' },
    { participant: 'P7', study: '1.2.7' },
    { study: '1.2.7.2' },
    { newStudy: '2.25.91.2.199' },
    { patient: 'secret-7', participant: 'P8' },
    { patient: 'nobody' },
  ]) {
    const found = await lookUp(one, question)
    t.same(found, await lookUp(other, question), JSON.stringify(question))
  }
  t.equal((await lookUp(one, { patient: 'secret-7' })).length, 4)
  const before = statSync(path).size
  await one.note([participant('secret-3', { participant: 'P3' }), studyOf('1.2.7')])
  t.equal((await linksIn(path)).filter(({ participant: name }) => name === 'P3').length, 2)
  t.ok(statSync(path).size > before, 'only what is new is written')
  await one.close()
  await other.close()
})

t.test('names are counted on with an index, each patient keeps one', async (t) => {
  const path = newPath(t)
  await indexed(path)
  const crosswalk = await Crosswalk.open(path, keys)
  const names = (n: number) => (n > 205 ? undefined : `P${String(n - 1)}`)
  const count = (PatientID: string) => crosswalk.count({ project: 'p', PatientID }, names)
  t.equal(await count('secret-9'), 'P9')
  t.equal(await count('new'), 'P200')
  t.equal(await count('newer'), 'P201')
  t.equal(await count('new'), 'P200')
  for (const id of 'abc') await count(id)
  await t.rejects(count('one too many'), { code: 'E_PSEUDONYMS_EXHAUSTED' })
  await crosswalk.close()
})

t.test(
  'an index tells nothing, and one that does not belong to the crosswalk is not used',
  async (t) => {
    const path = newPath(t)
    await indexed(path)
    const index = readFileSync(`${path}.index`)
    // Longer than what sealed bytes hold by chance.
    for (const value of ['secret-7', '1.2.7', '"end"', '"participant"']) {
      t.notOk(index.includes(value), value)
    }
    const find = async (by: Keys = keys) => {
      const crosswalk = await Crosswalk.open(path, by)
      try {
        return (await lookUp(crosswalk, { patient: 'secret-7' })).length
      } finally {
        await crosswalk.close()
      }
    }
    for (const [what, change] of [
      ['cut', index.subarray(0, 100)],
      ['of another kind', Buffer.alloc(1000, 1)],
      ['with a bit of its header changed', Buffer.from(index).fill(index[40]! ^ 1, 40, 41)],
    ] as const) {
      writeFileSync(`${path}.index`, change)
      t.equal(await find(), 2, what)
    }
    const last = index.length - 1
    writeFileSync(`${path}.index`, Buffer.from(index).fill(index[last]! ^ 1, last))
    await t.rejects(find(), { code: 'E_CROSSWALK_DAMAGED', message: /the index .* is damaged/ })
    // Another crosswalk of this name: the index of the former one is of no use.
    writeFileSync(`${path}.index`, index)
    rmSync(path)
    await noted(path, [participant('other')])
    t.equal(await find(), 0)
    // A line that is changed is noticed where it is asked for.
    rmSync(path)
    await indexed(path)
    const lines = readFileSync(path, 'utf8').split('\n')
    const changed = lines.map((line, at) =>
      at === 14 ? line.replace(/"sealed":"./, '"sealed":"!') : line,
    )
    writeFileSync(path, changed.join('\n'))
    await t.rejects(find(), { code: 'E_CROSSWALK_DAMAGED' })
    await reseal(path, keys, true)
    t.equal(await find(), 0, 'sealed anew without it, it is another file')
  },
)

t.test('who is somebody else already is told, until it is noted', async (t) => {
  for (const most of [0, 1000]) {
    const path = newPath(t)
    const link = (PatientID: string, name: string, project = 'p') =>
      participant(PatientID, { participant: name, project }) as ParticipantLink
    await noted(path, [link('a', 'S1'), link('b', 'S2')])
    const first = await Crosswalk.open(path, keys, most)
    // Whoever looks something up waits for an index that is being made.
    t.equal(await first.contradiction(link('a', 'S1')), undefined)
    await first.close()
    t.equal(existsSync(`${path}.index`), most === 0)
    const crosswalk = await Crosswalk.open(path, keys)
    t.equal(await crosswalk.contradiction(link('a', 'S1')), undefined)
    t.equal(await crosswalk.contradiction(link('c', 'S3')), undefined)
    t.equal(await crosswalk.contradiction(link('a', 'S2', 'q')), undefined, 'another project')
    t.equal(await crosswalk.contradiction(link('c', 'S1')), 'two patients are one participant')
    t.equal(await crosswalk.contradiction(link('a', 'S3')), 'a patient is two participants')
    await crosswalk.note([link('c', 'S1')])
    t.equal(await crosswalk.contradiction(link('c', 'S1')), undefined, 'somebody decided so')
    t.equal(await crosswalk.contradiction(link('a', 'S1')), undefined)
    await crosswalk.close()
  }
})
