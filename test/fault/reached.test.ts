// Each fault point can be reached, by the tool that stands at it: a chain under fire comes by some of them
// rarely, and a crash test that arms what never fires would prove nothing.
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { openAssociation } from '../../src/lib/dimse/index.ts'
import type { FaultPoint } from '../../src/lib/fault/index.ts'
import { dataSetOffsetOf } from '../crash/modality.ts'
import { CT_IMAGE_STORAGE, ctImage, syntax } from '../fixtures/dicom-writer.ts'
import { type Finished, run } from '../fixtures/peers.ts'
import { Scp } from '../tools/scp.ts'

const root = t.testdir()
const object = write(join(root, 'objects', '1.dcm'), 1)
const later = write(join(root, 'later', '2.dcm'), 2)
const key = join(root, 'key')
writeFileSync(key, Buffer.alloc(32, 7))
chmodSync(key, 0o600)

/** A data directory of its own, and tools that may die on it. */
class Site {
  readonly dataDir: string
  readonly #env: NodeJS.ProcessEnv

  constructor(dataDir: string, armed: NodeJS.ProcessEnv = {}) {
    this.dataDir = dataDir
    this.#env = { FIONA_CONFIG: '', FIONA_STAGE: '', ...armed }
  }

  /** The same directory, with nothing armed. */
  get unarmed(): Site {
    return new Site(this.dataDir)
  }

  import(path: string): Promise<Finished> {
    return this.#run('fiona-import', [path])
  }

  arrive(input: string): Promise<Finished> {
    return this.#run('fiona-arrive', ['--quiet-seconds', '1'], input)
  }

  organize(input: string): Promise<Finished> {
    return this.#run('fiona-organize', [], input)
  }

  deidentify(input: string): Promise<Finished> {
    return this.#run('fiona-anon', ['--key-file', key, '--out', join(this.dataDir, 'out')], input)
  }

  deliver(input: string): Promise<Finished> {
    const folder = pathToFileURL(join(this.dataDir, 'delivered')).href
    return this.#run('fiona-send', ['--destination', folder], input)
  }

  append(input: string): Promise<Finished> {
    return this.#run('fiona-journal', ['append', 'received'], input)
  }

  async stage(input: string): Promise<Finished> {
    await this.unarmed.append(input)
    return this.#run('fiona-stage', ['--once', '--from', 'received', '--to', 'copied'], '', ['cat'])
  }

  /** One C-STORE that says this UID of the object. @returns when the receiver is dead */
  async receive(t: Test, SOPInstanceUID: string): Promise<void> {
    const args = ['--journal', 'received']
    const scp = await Scp.start(t, { dataDir: this.dataDir, env: this.#env, args })
    const died = new Promise((resolve) => scp.child.once('exit', resolve))
    const association = await openAssociation({
      host: '127.0.0.1',
      port: scp.port,
      callingAETitle: 'SCANNER',
      calledAETitle: 'FIONA',
      contexts: [{ abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.explicit] }],
      timeoutSeconds: 60,
    })
    const stored = {
      path: object,
      SOPClassUID: CT_IMAGE_STORAGE,
      SOPInstanceUID,
      transferSyntaxUID: syntax.explicit,
      dataSetOffset: dataSetOffsetOf(object),
    }
    await t.rejects(association.store(stored), 'no answer comes from the dead')
    association.abort()
    await died
  }

  #run(
    tool: string,
    args: readonly string[],
    input = '',
    operands: readonly string[] = [],
  ): Promise<Finished> {
    const all = [...args, '--data-dir', this.dataDir, '--', ...operands]
    return run(tool, all, { input, env: this.#env })
  }
}

// What each tool is fed, made once by those before it.
const first = new Site(join(root, 'first'))
const received = await said(first.import(object))
const organized = await said(first.arrive(received))
const outbox = await said(first.deidentify(organized))
const second = new Site(join(root, 'second'))
const both = (await said(second.import(object))) + (await said(second.import(later)))
const grown = await said(second.arrive(both))

type Passage = (site: Site, t: Test) => Promise<unknown>

const receiving: Passage = (site, t) => site.receive(t, uidOf(1))
const receivingAgain: Passage = async (site, t) => {
  await site.unarmed.import(object)
  return site.receive(t, uidOf(1))
}
const refusing: Passage = (site, t) => site.receive(t, '2.25.9.9')
const arriving: Passage = (site) => site.arrive(received)
const organizing: Passage = (site) => site.organize(organized)
const deidentifying: Passage = (site) => site.deidentify(organized)
const revising: Passage = async (site) => {
  await site.unarmed.deidentify(organized)
  return site.deidentify(grown)
}
const delivering: Passage = (site) => site.deliver(outbox)
const staging: Passage = (site) => site.stage(received)

/** Those that a long run of the crash test did not reach. */
const passages: readonly (readonly [FaultPoint, Passage])[] = [
  ['copy.synced', delivering],
  ['copy.placed', delivering],
  ['archive.part-synced', receiving],
  ['archive.name-synced', receiving],
  ['archive.duplicate-removed', receivingAgain],
  ['quarantine.detached', refusing],
  ['quarantine.renamed', refusing],
  ['cursor.saved', staging],
  ['arrive.written', arriving],
  ['arrive.synced', arriving],
  ['arrive.log-made', arriving],
  ['organize.linked', organizing],
  ['outbox.objects-synced', deidentifying],
  ['outbox.set-aside', revising],
  ['outbox.published', deidentifying],
]

for (const [point, pass] of passages) {
  t.test(`${point} kills who passes it`, async (t) => {
    const faults = t.testdir()
    const site = new Site(join(faults, 'var'), {
      FIONA_FAULT_POINT: point,
      FIONA_FAULT_DIRECTORY: faults,
    })
    const finished = await pass(site, t)
    t.ok(readdirSync(faults).includes(point), JSON.stringify(finished))
  })
}

/** What a tool writes to its end. */
async function said(finished: Promise<Finished>): Promise<string> {
  const { code, stdout, stderr } = await finished
  if (code !== 0) throw new Error(stderr)
  return stdout
}

function uidOf(number: number): string {
  return `2.25.9.1.${String(number)}`
}

function write(path: string, number: number): string {
  mkdirSync(dirname(path))
  const uids = { studyUID: '2.25.9', seriesUID: '2.25.9.1', sopUID: uidOf(number) }
  writeFileSync(path, ctImage({ ...uids, instanceNumber: number }))
  return path
}
