import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { StudyPartner, exclusionOf, loadProfile } from '../../src/lib/deidentify/index.ts'
import type { CleanedPixels } from '../../src/lib/deidentify/pixels/index.ts'
import type { IdentityTerms } from '../../src/lib/deidentify/search/known-identity.ts'
import { MaskTally } from '../../src/lib/deidentify/study/mask-tally.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { type TestElement, ctImage, el } from '../fixtures/dicom-writer.ts'
import { type Site, archived, deidentifierAt, filesUnder, newSite } from './deidentified.ts'

type Setup = Parameters<typeof StudyPartner.of>[0]
const setup: Setup = { projects: {}, override: {}, uidRoot: '2.25' }
const many = 150

/** Of a series; `more` says what is different about some. */
function objects(more: Readonly<Record<number, readonly TestElement[]>> = {}): Buffer[] {
  return Array.from({ length: many }, (_, at) =>
    ctImage({
      instanceNumber: at + 1,
      sopUID: `2.25.5000${String(at)}`,
      elements: [el(0x00100010, 'PN', 'Zwartkops^Odulphus'), ...(more[at] ?? [])],
    }),
  )
}

interface Made {
  readonly record: AnyRecord
  readonly files: ReadonlyMap<string, Buffer>
  readonly held: unknown
}

/** What does not change from one time to the next. */
async function made(
  study: readonly Buffer[],
  partner: StudyPartner | undefined,
  site: Site = newSite(),
  options: Parameters<typeof deidentifierAt>[1] = {},
): Promise<Made> {
  const record = archived(site, study)
  const result = (await deidentifierAt(site, { partner, ...options }).record(record)) as AnyRecord
  const files = filesUnder(site.out).map((path) => [basename(path), readFileSync(path)] as const)
  const heldFile = filesUnder(site.dataDir).find((path) => path.endsWith('held.json'))
  const held = heldFile === undefined ? undefined : steady(readFileSync(heldFile, 'utf8'), site)
  const text = steady(JSON.stringify(result), site)
  return { record: JSON.parse(text) as AnyRecord, files: new Map(files), held }
}

function steady(text: string, { root }: Site): string {
  return text.replaceAll(root, '').replace(/"(?:time|heldAt)": ?"[^"]*"/g, '"time":""')
}

/** Ends with the test; counts the studies that it has taken part in to their end. */
function newPartner(t: Tap, of: Setup = setup, program?: URL) {
  const partner = StudyPartner.of(of, 2, ...(program === undefined ? [] : [program]))
  if (partner === undefined) throw new Error('the thread is not built')
  const begin = partner.begin.bind(partner)
  const seen = { begun: 0, searched: 0 }
  partner.begin = async (study) => {
    seen.begun += 1
    const session = await begin(study)
    const search = session.search.bind(session)
    session.search = async (...args) => {
      const found = await search(...args)
      seen.searched += 1
      return found
    }
    return session
  }
  t.teardown(() => partner.close())
  return { partner, seen }
}
type Tap = Pick<typeof t, 'teardown'>

const image = (at: number) => [el(0x00080070, 'LO', at === 0 ? 'Maker' : `seen by Zwartkops`)]
const cases: Readonly<Record<string, readonly [study: Buffer[], isTogether: boolean]>> = {
  'a study that goes out': [objects(), true],
  'one with a name where none belongs': [objects({ 7: image(1), 140: image(1) }), true],
  'one of two patients': [objects({ 99: [el(0x00100020, 'LO', 'OTHER-1')] }), true],
  'one with an object that cannot be read': [
    objects().with(60, Buffer.from('no DICOM at all, but long enough to be something')),
    true,
  ],
  'one with an object of another study': [
    objects().with(80, ctImage({ studyUID: '2.25.77', sopUID: '2.25.78' })),
    true,
  ],
  'one with screens and burned-in text': [
    objects({ 3: [el(0x00280301, 'CS', 'YES')], 120: [el(0x00280301, 'CS', 'YES')] }),
    true,
  ],
}
for (const [what, [study, isTogether]] of Object.entries(cases)) {
  t.test(`two threads make the same as one: ${what}`, async (t) => {
    const { partner, seen } = newPartner(t)
    const alone = await made(study, undefined)
    const together = await made(study, partner)
    t.same(together.record, alone.record)
    t.same([...together.files.keys()], [...alone.files.keys()])
    for (const [name, bytes] of together.files) t.ok(alone.files.get(name)?.equals(bytes), name)
    t.equal(together.held, alone.held)
    t.equal(seen.searched > 0, isTogether, 'both of them did')
  })
}

t.test('an object that comes twice is counted once, whoever gets it', async (t) => {
  const { partner } = newPartner(t)
  const study = objects()
  const [first = Buffer.alloc(0)] = study
  // The first and the last by their paths.
  const twice = study.with(99, first)
  const alone = await made(twice, undefined)
  t.equal(alone.record['duplicates'], 1)
  const together = await made(twice, partner)
  t.same(together.record, alone.record)
  t.same([...together.files.keys()], [...alone.files.keys()])
})

t.test('what the project excludes is left out by both', async (t) => {
  const exclude = [{ modality: 'SR' }]
  const projects = { default: { exclude } } as unknown as Setup['projects']
  const { partner, seen } = newPartner(t, { ...setup, projects })
  const study = objects({ 5: [el(0x00080060, 'CS', 'SR')], 130: [el(0x00080060, 'CS', 'SR')] })
  const options = { exclusionOf: () => exclusionOf(exclude) }
  const alone = await made(study, undefined, newSite(), options)
  t.same(alone.record['excluded'], { 'modality SR': 2 })
  t.same((await made(study, partner, newSite(), options)).record, alone.record)
  t.equal(seen.searched, 1)
})

/** Two devices; a mask of two rectangles for the one, and of one for the other. */
const masking = `pixels:
  rules:
    - { name: first device, model: ^alpha, mask: [[0, 0, 8, 1], [0, 7, 8, 1]] }
    - { name: second device, model: ^beta, mask: [[0, 0, 4, 4]] }
`
t.test('what both have masked is counted and listed once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fiona-partner-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'masking.yaml')
  writeFileSync(path, masking)
  const { partner, seen } = newPartner(t, { ...setup, override: { profile: path } })
  const profile = await loadProfile(path)
  // Both kinds in every part of the study, and something that holds it in the second run.
  const devices = Object.fromEntries(
    Array.from({ length: many }, (_, at) => [
      at,
      at % 3 === 2 ? [] : [el(0x00081090, 'LO', at % 3 === 0 ? 'alpha 1' : 'beta 1')],
    ]),
  )
  const options = { profileOf: () => profile }
  const study = objects(devices)
  const alone = await made(study, undefined, newSite(), options)
  const size = { rows: 8, columns: 8, objects: 50 }
  const first = {
    ...size,
    rule: 'first device',
    regions: [
      [0, 0, 8, 1],
      [0, 7, 8, 1],
    ],
  }
  const second = { ...size, rule: 'second device', regions: [[0, 0, 4, 4]] }
  const pixels = { masked: 100, regions: 150, searched: 0, masks: [first, second] }
  t.same(alone.record['pixels'], pixels)
  const together = await made(study, partner, newSite(), options)
  t.same(together.record, alone.record)
  for (const [name, bytes] of together.files) t.ok(alone.files.get(name)?.equals(bytes), name)
  const marked = study.with(
    149,
    ctImage({ sopUID: '2.25.9', elements: [el(0x00280301, 'CS', 'YES')] }),
  )
  const held = await made(marked, partner, newSite(), options)
  t.match(held.record, { type: 'held' })
  t.equal(held.held, (await made(marked, undefined, newSite(), options)).held)
  const { masked } = JSON.parse(String(held.held)) as { masked: unknown[] }
  t.equal(masked.length, 100, 'object by object')
  t.equal(seen.searched, 2)
})

t.test('of more masks than a record holds the same are listed, whoever notes which', (t) => {
  const size = { rows: 8, columns: 8 }
  const pixels = (at: number) =>
    ({
      cleanedBy: 'found text',
      size,
      regions: Array.from({ length: 1 + (at % 12) }, (_, n) => [at, n, 1, 1]),
    }) as unknown as CleanedPixels
  const tallyOf = (kinds: readonly number[]) => {
    const tally = new MaskTally()
    for (const kind of kinds) tally.note(pixels(kind))
    return tally
  }
  const kinds = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 150, maxLength: 600 })
  fc.assert(
    fc.property(kinds, fc.integer({ min: 2, max: 3 }), (seen, threads) => {
      const whole = tallyOf(seen)
      const together = new MaskTally()
      for (let thread = 0; thread < threads; thread += 1) {
        together.absorb(tallyOf(seen.filter((_, at) => at % threads === thread)).state)
      }
      t.strictSame(together.all, whole.all)
      const { masks, unlisted } = whole.all
      const listed = masks.reduce((sum, { objects }) => sum + objects, 0)
      return listed + unlisted === seen.length && masks.length <= 100
    }),
    { numRuns: 30 },
  )
  t.end()
})

t.test('what the request excludes is left out by both', async (t) => {
  const { partner, seen } = newPartner(t)
  // In each part of the study, whoever makes it.
  const study = objects(
    Object.fromEntries(
      Array.from({ length: many / 5 }, (_, n) => [n * 5, [el(0x00080060, 'CS', 'SR')]]),
    ),
  )
  const outcome = async (one: StudyPartner | undefined) => {
    const site = newSite()
    const request = {
      ...archived(site, study),
      ...{ type: 'request', requestId: 'r1', project: 'default', participant: 'S001' },
      ...{ requestedBy: 'rules', exclude: [{ modality: 'SR' }] },
    }
    const boundary = deidentifierAt(site, { partner: one, onlyRequests: true })
    const record = (await boundary.record(request)) as AnyRecord
    return {
      record: steady(JSON.stringify(record), site),
      files: filesUnder(site.out).length,
      of: record,
    }
  }
  const alone = await outcome(undefined)
  const together = await outcome(partner)
  t.same(alone.of['excluded'], { 'modality SR': many / 5 })
  t.equal(together.record, alone.record)
  t.equal(together.files, many - many / 5)
  t.equal(seen.searched, 1)
})

t.test('a later revision is compared with what is there by both', async (t) => {
  const { partner, seen } = newPartner(t)
  const outcome = async (one: StudyPartner | undefined) => {
    const site = newSite()
    await made(objects(), one, site)
    return made([...objects(), ctImage({ instanceNumber: 500, sopUID: '2.25.600' })], one, site)
  }
  const alone = await outcome(undefined)
  const together = await outcome(partner)
  t.same(together.record, alone.record)
  t.equal(together.files.size, many + 1)
  t.equal(seen.searched, 2)
})

t.test('what it does not search is searched without it', async (t) => {
  const { partner } = newPartner(t)
  const begin = partner.begin.bind(partner)
  partner.begin = async (study) => {
    const session = await begin(study)
    session.search = () => Promise.reject(new Error('it has ended'))
    return session
  }
  const [study] = cases['one with a name where none belongs'] ?? [[]]
  const [together, alone] = [await made(study, partner), await made(study, undefined)]
  t.same(together.record, alone.record)
  t.equal(together.held, alone.held)
})

t.test('a thread that has read another profile takes no part', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fiona-partner-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const profile = join(folder, 'other.yaml')
  writeFileSync(profile, 'base: basic\noptions: [retainDeviceIdentity]\n')
  const { partner, seen } = newPartner(t, { ...setup, override: { profile } })
  t.same((await made(objects(), partner)).record, (await made(objects(), undefined)).record)
  t.same(seen, { begun: 1, searched: 0 })
})

const noTerms: Readonly<Record<keyof IdentityTerms, true>> = {
  words: true,
  freeTextWords: true,
  cutNames: true,
  anywhere: true,
  phrases: true,
  digits: true,
  uids: true,
  rawForms: true,
  beyondAscii: true,
  writtenDays: true,
  keptUids: true,
  whole: true,
  privateDays: true,
}
const endings: Readonly<Record<string, string>> = {
  'ends when it is to make something': `if (question.ask === 'make') process.exit(3)`,
  'fails at the end of making': `if (question.ask === 'finish') { parentPort.postMessage('failed'); return }`,
  'ends in the search': `if (question.ask === 'search') process.exit(3)`,
  'cannot be started': `throw new Error('nothing works')`,
}
for (const [what, how] of Object.entries(endings)) {
  t.test(`a thread that ${what} costs nothing but time`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fiona-partner-'))
    t.teardown(() => {
      rmSync(folder, { recursive: true })
    })
    const program = join(folder, 'partner.mjs')
    // It makes nothing, and says that it has.
    writeFileSync(
      program,
      `import { parentPort } from 'node:worker_threads'
${what.startsWith('cannot') ? how : ''}
const counts = new Map()
const nothing = { terms: Object.fromEntries(${JSON.stringify(Object.keys(noTerms))}.map((name) => [name, new Set()])), reasons: [],
  tally: { counts, excluded: counts, pixels: { masked: 0, regions: 0, searched: 0, defaced: 0 }, details: [], masked: [], masks: { masks: [], unlisted: 0 }, duplicates: 0, unmade: 0 },
  outputs: new Map(), patients: new Set() }
parentPort.on('message', (question) => {
  ${what.startsWith('cannot') ? '' : how}
  parentPort.postMessage({ done: question.ask === 'finish' ? nothing : undefined })
})
`,
    )
    const { partner } = newPartner(t, setup, pathToFileURL(program))
    if (what === 'ends in the search') {
      // It has said that it made what it was given: the objects do not add up, and nothing goes out.
      await t.rejects(made(objects(), partner), { code: 'E_INCOMPLETE' })
      return
    }
    t.same((await made(objects(), partner)).record, (await made(objects(), undefined)).record)
  })
}
