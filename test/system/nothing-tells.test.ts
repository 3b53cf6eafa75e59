// DICOM's other leaks: not in the objects, but around them. A study full of planted identity goes through the real
// stages behind the boundary, at the most talkative log level, and everything that they leave or show is searched.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type FSWatcher, mkdirSync, readFileSync, readdirSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { JournalWriter, locateJournal } from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { archived, filesUnder, newSite } from '../deidentify/deidentified.ts'
import { cleanable } from '../deidentify/corpus/cleanable.ts'
import { secretsIn as secretsDressedUp } from '../deidentify/corpus/find-leaks.ts'
import { secrets as plantedSecrets } from '../deidentify/corpus/specimen.ts'
import { uncleanable } from '../deidentify/corpus/uncleanable.ts'
import { forbidden, found, ofPerson, person } from '../deidentify/planted.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { binDir, run } from '../fixtures/peers.ts'
import { processIds } from '../../src/lib/process/index.ts'

/** The UID of the study as text, too: the archive, on the clinical side, is the only place where it belongs. */
const secrets = [...forbidden, { what: 'study UID', bytes: Buffer.from(person.studyUid) }]

function secretsIn(bytes: Buffer | string): string[] {
  const where = Buffer.from(bytes)
  return secrets.filter((secret) => where.includes(secret.bytes)).map(({ what }) => what)
}

t.test('neither logs, journals, names, states nor command lines tell of a patient', async (t) => {
  const site = newSite()
  const keyFile = join(site.root, 'key')
  const delivered = join(site.root, 'delivered')
  const config = join(site.root, 'fiona.json')
  mkdirSync(site.dataDir, { recursive: true })
  writeFileSync(keyFile, Buffer.from('a key of no hospital, thirty-two bytes'), { mode: 0o600 })
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: site.dataDir,
      deidentification: { keyFile },
      destinations: { research: { url: `file://${delivered}` } },
      projects: { default: { destinations: ['research'] } },
    }),
  )
  const objects = [1, 2, 3].map((instanceNumber) => ofPerson({ instanceNumber }))
  const study = archived(site, objects, { attributes: { PatientName: person.family } })
  const hiding = Object.values(found)[0] ?? Buffer.alloc(0)
  const records = [
    {
      type: 'series',
      StudyInstanceUID: person.studyUid,
      attributes: { PatientName: person.family },
    },
    study,
    // Trouble speaks most: a record that is none, an object that is none, one that is held.
    { ...study, path: 17, attributes: { PatientName: person.family } },
    other(site.dataDir, 'broken', Buffer.from(`no DICOM of ${person.family}`)),
    other(site.dataDir, 'held', ctImage({ elements: [el(0x00280301, 'CS', 'YES')] })),
    other(site.dataDir, 'leaking', hiding),
    { type: 'x-unknown', PatientName: person.family },
  ]
  const writer = await JournalWriter.open(locateJournal(site.dataDir, 'organized'), {
    writer: 'test',
  })
  for (const record of records) await writer.append(record)
  await writer.close()

  const seen = new Watched(site.dataDir)
  const anon = await seen.run('organized', 'outbox', `fiona-anon --log-level trace`, config)
  const send = await seen.run('outbox', 'sent', `fiona-send --log-level trace`, config)
  seen.stop()

  const behind = ['outbox', 'sent'].map((name) => join(site.dataDir, 'journal', name))
  const texts = [...behind, join(site.dataDir, 'journal', 'held')].flatMap(filesUnder)
  t.ok(texts.some((path) => readFileSync(path, 'utf8').includes('"type":"deidentified"')))
  t.ok(texts.some((path) => readFileSync(path, 'utf8').includes('"type":"held"')))
  t.ok(texts.some((path) => readFileSync(path, 'utf8').includes('"type":"transfer"')))
  for (const path of texts) t.same(secretsIn(readFileSync(path)), [], path.slice(site.root.length))

  const states = filesUnder(join(site.dataDir, 'state'))
  const outs = [...filesUnder(join(site.dataDir, 'default/outbox')), ...filesUnder(delivered)]
  t.ok(outs.length >= 6, 'made and delivered')
  for (const path of [...states, ...outs]) {
    t.same(secretsIn(readFileSync(path)), [], path.slice(site.root.length))
    t.same(secretsIn(path), [], 'its name')
  }
  t.match(anon.stderr, /"level":"?(trace|debug|info|10|20|30)/, 'something was logged')
  t.same(secretsIn(anon.stderr), [], anon.stderr)
  t.same(secretsIn(send.stderr), [], send.stderr)
  t.ok(seen.names.size > 0, 'names were seen while it ran')
  t.same(secretsIn([...seen.names].join('\n')), [], 'names that were there for a moment')
  t.ok([...seen.commandLines].some((line) => line.includes('fiona-anon')))
  t.same(secretsIn([...seen.commandLines].join('\n')), [], 'command lines and environments')
})

t.test('nor do they whatever is planted, damaged or held', async (t) => {
  const site = newSite()
  const keyFile = join(site.root, 'key')
  const config = join(site.root, 'fiona.json')
  const clinic = join(site.root, 'clinic')
  mkdirSync(site.dataDir, { recursive: true })
  writeFileSync(keyFile, Buffer.from('a key of no hospital, thirty-two bytes'), { mode: 0o600 })
  const deidentification = { keyFile }
  writeFileSync(config, JSON.stringify({ dataDir: site.dataDir, deidentification }))
  const corpus = Object.values({ ...cleanable, ...uncleanable })
  t.ok(corpus.length > 120)
  const writer = await JournalWriter.open(locateJournal(site.dataDir, 'organized'), {
    writer: 'test',
  })
  // A project each: they are all one study of one patient.
  for (const [at, object] of corpus.entries()) {
    await writer.append(other(clinic, `c${String(at)}`, object))
  }
  await writer.close()
  const seen = new Watched(site.dataDir)
  const anon = await seen.run('organized', 'outbox', `fiona-anon --log-level trace`, config)
  seen.stop()

  const journals = ['outbox', 'held'].map((name) => join(site.dataDir, 'journal', name))
  const behind = [...journals, join(site.dataDir, 'state')].flatMap(filesUnder)
  const ends = behind.map((path) => readFileSync(path, 'utf8')).join('')
  t.equal(ends.match(/"type":"(deidentified|held)"/g)?.length, corpus.length, 'each had its end')
  const outputs = filesUnder(site.dataDir).filter((path) => /\/c\d+\/outbox\//.test(path))
  t.ok(outputs.length >= Object.keys(cleanable).length)
  for (const path of [...behind, ...outputs]) {
    t.same(tellTales(readFileSync(path)), [], path.slice(site.root.length))
    t.same(tellTales(path), [], 'its name')
  }
  const told = [
    ['fiona-anon', 'review'],
    ['fiona-anon', '--report', 'html'],
    ['fiona-anon', '--report', 'json'],
    ['fiona-ctl', 'status', '--json'],
  ]
  for (const [command = '', ...args] of told) {
    const { stdout, stderr } = await run(command, [...args, '--config', config])
    t.ok(stdout.length > 200, stderr)
    t.same(tellTales(stdout + stderr), [], args.join(' '))
  }
  t.match(anon.stderr, /"level":"?(trace|debug|info|10|20|30)/, 'something was logged')
  t.same(tellTales(anon.stderr), [], 'the log')
  t.same(tellTales([...seen.names].join('\n')), [], 'names that were there for a moment')
  t.same(tellTales([...seen.commandLines].join('\n')), [], 'command lines and environments')
})

/** Of all that the corpus has planted, in whatever dress; and digests of it without a key, which whoever knows it can make. */
function tellTales(bytes: Buffer | string): unknown[] {
  const text = Buffer.from(bytes).toString('latin1').toLowerCase()
  return [
    ...secretsDressedUp(Buffer.from(bytes), plantedSecrets),
    ...bareDigests.filter((digest) => text.includes(digest)),
  ]
}

const bareDigests = [
  person.id,
  person.accession,
  person.birthDate,
  person.studyUid,
  `${person.studyUid}.1`,
  `${person.family}^${person.given}`,
].flatMap((value) =>
  ['md5', 'sha1', 'sha256', 'sha512'].flatMap((name) =>
    // Half of one is as telling; longer than any number that stands there by chance.
    [value, `${value}\n`, `${value} `, `${value}\0`].map((text) =>
      createHash(name).update(text).digest('hex').slice(0, 16),
    ),
  ),
)

/** Another study, of one object, in a folder of its own. */
function other(dataDir: string, name: string, object: Buffer): AnyRecord {
  const folder = join(dataDir, name)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'one.dcm')
  writeFileSync(file, object)
  return {
    type: 'study',
    StudyInstanceUID: person.studyUid,
    path: null,
    series: [{ SeriesInstanceUID: `${person.studyUid}.1`, instances: 1, files: [file] }],
    ...{ instances: 1, bytes: 0, reason: 'flush', revision: 1, project: name },
  }
}

/** What anybody on the machine could see while a stage runs. */
class Watched {
  readonly names = new Set<string>()
  readonly commandLines = new Set<string>()
  readonly #dataDir: string
  readonly #watchers = new Map<string, FSWatcher>()

  constructor(dataDir: string) {
    this.#dataDir = dataDir
    this.#watch('')
  }

  stop(): void {
    for (const watcher of this.#watchers.values()) watcher.close()
  }

  /** Folder by folder: Node's own recursive watch throws where nobody can catch it when a folder is gone again. */
  #watch(folder: string): void {
    // Of this name there may be another one now.
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
    try {
      const names = readdirSync(join(this.#dataDir, folder))
      const watcher = watch(join(this.#dataDir, folder), (event, name) => {
        if (name !== null && event === 'rename') this.#note(join(folder, name))
      })
      watcher.on('error', () => {
        watcher.close()
      })
      this.#watchers.set(folder, watcher)
      for (const name of names) this.#note(join(folder, name))
    } catch {
      // No folder, or one that is gone again.
    }
  }

  #note(path: string): void {
    // The archive of the clinic, and what a person must look at, are on the other side.
    if (/(^|\/)(archive|review)(\/|$)|^(broken|held|leaking)$/.test(path)) return
    this.names.add(path)
    this.#watch(path)
  }

  async run(
    from: string,
    to: string,
    pipeline: string,
    config: string,
  ): Promise<{ stderr: string }> {
    const args = ['--config', config, '--from', from, '--to', to, '--once', '--', pipeline]
    const path = `${binDir}:${process.env['PATH'] ?? ''}`
    const child = spawn(join(binDir, 'fiona-stage'), args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: path, NOTHING_TELLS: String(process.pid) },
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const looking = setInterval(() => {
      this.#look()
    }, 20)
    await once(child, 'close')
    clearInterval(looking)
    return { stderr }
  }

  /** Of the processes that this test started: they have its mark in their environment. */
  #look(): void {
    for (const pid of processIds()) {
      const folder = `/proc/${String(pid)}`
      try {
        const environment = readFileSync(`${folder}/environ`, 'utf8')
        if (!environment.includes(`NOTHING_TELLS=${String(process.pid)}`)) continue
        const title = readFileSync(`${folder}/comm`, 'utf8')
        this.commandLines.add(
          `${readFileSync(`${folder}/cmdline`, 'utf8')} ${title} ${environment}`,
        )
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}
