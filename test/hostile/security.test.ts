// Attacks that others suffered, each by the number of its class: names that become paths or commands, lengths
// that are believed, nesting without end, leaks by the association, patients in logs.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { ctElements, dataSetBytes, el } from '../fixtures/dicom-writer.ts'
import {
  OddClient,
  abortPdu,
  associateRq,
  goodEcho,
  goodStore,
  pduType,
  storePdus,
} from '../fixtures/odd-client.ts'
import { residentBytes } from '../fixtures/process-memory.ts'
import { Scp, newDataDir } from '../tools/scp.ts'
import { hostileCases } from './cases/index.ts'
import { runCase } from './run-case.ts'

/** Classes of which every attack is a row of the table. */
const rows: readonly [id: string, what: string, names: RegExp, atLeast: number][] = [
  ['SEC-02', 'AE titles are text, and nothing that could be structure', /AE title/, 30],
  ['SEC-03', 'a UID of dots is none', /(study|series|object|instance) "\.+"/, 8],
  ['SEC-04', 'a UID that would be a path is none', /(study|series|object|instance) "/, 80],
  ['SEC-10', 'sequences 64 deep are read, deeper ones refused at once', /sequences [\d,]+ deep/, 5],
  ['SEC-11', 'a PDU length is not believed', /claims|HTTP|TLS|4 GiB|longer than announced/, 60],
  [
    'SEC-13',
    'an association request that lies or overflows',
    /context|user information|role|syntax/,
    60,
  ],
  [
    'SEC-14',
    'command elements that lack, are empty or of another type',
    /command|Message ID|before/i,
    60,
  ],
  [
    'SEC-15, SEC-16',
    'pixels that lie of themselves are stored, and decoded by nobody',
    /^pixels/,
    5,
  ],
  ['SEC-18', 'a deflated data set is inflated within limits, or refused', /deflated/, 5],
  ['SEC-21', 'an odd VR, and group 2 in a data set', /odd VR|group 2/, 2],
]
const openFiles = (scp: Scp): number => readdirSync(`/proc/${String(scp.child.pid)}/fd`).length

const everyCase = hostileCases()
const common = await Scp.start(t)
for (const [id, what, names, atLeast] of rows) {
  t.test(`${id}: ${what}`, async (t) => {
    const cases = everyCase.filter(({ name }) => names.test(name))
    t.ok(cases.length >= atLeast, `${String(cases.length)} cases`)
    const before = openFiles(common)
    const wrong: unknown[] = []
    for (const { name, writes, expect } of cases) {
      const { words } = await runCase(common.port, writes)
      if (expect !== 'any' && words !== expect) wrong.push({ name, expect, got: words })
    }
    t.same(wrong, [])
    t.equal(await goodEcho(common.port), 0)
    await common.tidy()
    while (openFiles(common) > before) await new Promise((resolve) => setTimeout(resolve, 5))
    t.same(strayFiles(common), [])
    t.ok(residentBytes(common.child.pid, 'peak') < 200e6)
  })
}

/** Everything in the data directory that is not where, or not named, as our own files are. */
function strayFiles(scp: Scp): string[] {
  const usual = [
    /^default\/archive\/[0-9.]{1,64}\/[0-9.]{1,64}\/[0-9.]{1,64}(~[0-9a-f]{16})?\.dcm$/,
    /^incoming\/[0-9a-f-]{36}\.owner\.json$/,
    /^quarantine\/[0-9TZ]+-[0-9a-f-]{36}\.(dcm|json)$/,
    /^fiona\.yaml$/,
  ]
  return readdirSync(scp.dataDir, { recursive: true })
    .map(String)
    .filter((path) => !lstatSync(join(scp.dataDir, path)).isDirectory())
    .filter((path) => !usual.some((pattern) => pattern.test(path)))
}

const imageOf = (
  SOPInstanceUID: string,
  ...elements: readonly ReturnType<typeof el>[]
): { readonly SOPInstanceUID: string; readonly dataSet: Buffer } => ({
  SOPInstanceUID,
  dataSet: dataSetBytes(ctElements({ sopUID: SOPInstanceUID, elements })),
})

t.test('SEC-01: what could be a command of a shell is never one', async (t) => {
  const dataDir = newDataDir(t)
  const scp = await Scp.start(t, { dataDir })
  const witness = join(dataDir, 'witness')
  const commands = [
    `;touch ${witness}`,
    `$(touch ${witness})`,
    `\`touch ${witness}\``,
    `|touch ${witness}\n`,
  ]
  for (const [number, command] of commands.entries()) {
    const object = imageOf(
      `2.25.9${String(number)}`,
      el(0x00100010, 'PN', command),
      el(0x00100020, 'LO', command),
      el(0x0008103e, 'LO', command),
    )
    t.equal(await goodStore(scp.port, object), 0, 'values may be anything')
    t.equal(await goodStore(scp.port, imageOf(command)), 0xa900, 'a UID may not')
    const title = command.slice(0, 16).trim()
    const client = await OddClient.associated(scp.port, { calling: title, called: title })
    client.send(storePdus(imageOf(`2.25.8${String(number)}`)))
    t.equal(await client.status(), 0)
    await client.release()
  }
  t.notOk(existsSync(witness))
  t.same(strayFiles(scp), [])
})

t.test(
  'SEC-05: an AE title chooses a project of the configuration, and never a directory',
  async (t) => {
    const dataDir = newDataDir(t)
    const config = join(dataDir, 'fiona.yaml')
    writeFileSync(config, JSON.stringify({ projects: { ABCD: { match: { calledAET: 'ABCD' } } } }))
    const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
    const titles = ['../secret', '/etc', '..', '.', 'a/../../b', 'ABCD/../../x']
    for (const [number, called] of titles.entries()) {
      const client = await OddClient.associated(scp.port, { called })
      client.send(storePdus(imageOf(`2.25.7${String(number)}`)))
      t.equal(await client.status(), 0)
      await client.release()
    }
    const records = await scp.recorded(titles.length)
    for (const { path, project } of records) {
      const inside = relative(dataDir, path)
      t.ok(inside.startsWith(`${project ?? ''}/archive/2.25.1001/2.25.1001.1/2.25.7`), inside)
      t.ok(project === 'default' || project === 'ABCD')
    }
  },
)

t.test('SEC-06: a request that names another object than it carries is refused', async (t) => {
  const scp = await Scp.start(t)
  const object = imageOf('2.25.61')
  t.equal(await goodStore(scp.port, { ...object, SOPInstanceUID: '2.25.62' }), 0xa900)
  t.equal(
    await goodStore(scp.port, { ...object, SOPClassUID: '1.2.840.10008.5.1.4.1.1.4' }),
    0xa900,
  )
  t.same(scp.quarantine().codes, ['E_IDENTITY_MISMATCH', 'E_IDENTITY_MISMATCH'])
  t.equal(await goodStore(scp.port, object), 0)
})

/** Moves what is at `path` outside, and leaves a symbolic link to it: the same file system, so links would work. */
function swap(path: string, outside: string): void {
  renameSync(path, outside)
  symlinkSync(outside, path)
}

/** But for parts: one may have been opened ahead, before the swap, and goes when it is refused. */
const keptIn = (path: string): string[] =>
  readdirSync(path, { recursive: true })
    .map(String)
    .filter((name) => !name.endsWith('.part'))
    .sort()

for (const [what, way] of [
  ['project', 'default'],
  ['archive', 'default/archive'],
  ['study', 'default/archive/2.25.1001'],
  ['series', 'default/archive/2.25.1001/2.25.1001.1'],
  ['incoming', 'incoming'],
] as const) {
  t.test(`SEC-07, SEC-09: a link in place of the ${what} directory is not followed`, async (t) => {
    const scp = await Scp.start(t)
    t.equal(await goodStore(scp.port, imageOf('2.25.51')), 0)
    await scp.tidy()
    const path = join(scp.dataDir, way)
    const outside = join(newDataDir(t), 'outside')
    swap(path, outside)
    const before = keptIn(outside)
    for (const uid of ['2.25.52', '2.25.53', '2.25.54']) {
      const status = await goodStore(scp.port, imageOf(uid))
      t.equal(status, 0xa700, uid)
    }
    t.same(keptIn(outside), before)
    unlinkSync(path)
    renameSync(outside, path)
    t.equal(await goodStore(scp.port, imageOf('2.25.52')), 0, 'with the directory back, it goes on')
    t.equal(await goodEcho(scp.port), 0)
  })
}

t.test('SEC-07, SEC-09: a link under the name of an object is no object', async (t) => {
  const scp = await Scp.start(t)
  t.equal(await goodStore(scp.port, imageOf('2.25.51')), 0)
  const [record] = await scp.recorded(1)
  if (record === undefined) throw new Error('no record')
  const outside = join(newDataDir(t), 'outside.dcm')
  swap(record.path, outside)
  const before = readFileSync(outside)
  t.equal(await goodStore(scp.port, imageOf('2.25.51')), 0, 'the same object, once more')
  const [, again] = await scp.recorded(2)
  t.match(again, { conflict: true })
  t.ok(lstatSync(again?.path ?? '').isFile(), 'it is kept as a file of ours')
  t.same(readFileSync(outside), before)
  // And where its other name is a link, too, nothing would be kept: that is no success.
  swap(again?.path ?? '', `${outside}2`)
  t.equal(await goodStore(scp.port, imageOf('2.25.51')), 0xa700)
  t.same(readFileSync(`${outside}2`), before)
})

t.test(
  'SEC-07: directories are not made through a link, nor an object put behind it',
  async (t) => {
    const dataDir = newDataDir(t)
    const outside = newDataDir(t)
    mkdirSync(join(dataDir, 'default/archive'), { recursive: true })
    symlinkSync(outside, join(dataDir, 'default/archive/2.25.1001'))
    symlinkSync(outside, join(dataDir, 'quarantine'))
    const scp = await Scp.start(t, { dataDir })
    t.equal(await goodStore(scp.port, imageOf('2.25.51')), 0xa700)
    t.not(await goodStore(scp.port, { ...imageOf('2.25.51'), SOPInstanceUID: '2.25.52' }), 0)
    t.same(readdirSync(outside), [])
  },
)

t.test('SEC-12: ten thousand associations that come to nothing leave nothing behind', async (t) => {
  const scp = await Scp.start(t)
  const ways: readonly ((client: OddClient) => Promise<unknown>)[] = [
    async (client) => {
      client.send(associateRq({ version: 2 }))
      const reply = await client.next()
      if (reply === 'closed' || reply.type !== pduType.rj) unexpected++
    },
    async (client) => {
      client.send(associateRq())
      await client.next()
      client.send(abortPdu)
    },
    async (client) => {
      client.send(associateRq({ called: 'X', length: 9000 }))
    },
    async () => undefined,
  ]
  let unexpected = 0
  const cycles = async (count: number): Promise<void> => {
    let next = 0
    const lane = async (): Promise<void> => {
      for (let n = next++; n < count; n = next++) {
        const client = await OddClient.connect(scp.port)
        await ways[n % ways.length]?.(client)
        client.socket.end()
        await client.rest()
      }
    }
    await Promise.all(Array.from({ length: 20 }, lane))
  }
  await cycles(3000)
  const before = residentBytes(scp.child.pid, 'now')
  const descriptors = openFiles(scp)
  await cycles(7000)
  t.equal(await goodEcho(scp.port), 0)
  const grown = residentBytes(scp.child.pid, 'now') - before
  t.ok(grown < 64e6, `${String(Math.round(grown / 1e6))} MB more`)
  t.equal(unexpected, 0)
  while (openFiles(scp) > descriptors) await new Promise((resolve) => setTimeout(resolve, 5))
})

t.test(
  'SEC-20: every beginning of a conversation is heard out, and nothing of it stays',
  async (t) => {
    const scp = await Scp.start(t)
    const stream = Buffer.concat([associateRq(), storePdus(imageOf('2.25.201'))])
    let length = 0
    let answers = 0
    const lane = async (): Promise<void> => {
      while (length < stream.length - 1) {
        const { words } = await runCase(scp.port, [stream.subarray(0, ++length)])
        if (typeof words === 'number') answers++
      }
    }
    await Promise.all(Array.from({ length: 8 }, lane))
    t.equal(answers, 0, 'nobody hears that an object is stored which was not whole')
    await scp.tidy()
    t.same(strayFiles(scp), [])
    t.notOk(existsSync(join(scp.dataDir, 'default')))
    t.equal((await runCase(scp.port, [stream])).words, 0, 'the whole of it is stored')
  },
)

t.test('SEC-27: no sender chooses what a stored file begins with', async (t) => {
  const scp = await Scp.start(t)
  t.equal(await goodStore(scp.port, imageOf('2.25.271')), 0)
  const [record] = await scp.recorded(1)
  const file = readFileSync(record?.path ?? '')
  t.ok(file.subarray(0, 128).equals(Buffer.alloc(128)), 'an empty preamble')
  t.equal(file.subarray(128, 132).toString(), 'DICM')
  t.equal(
    lstatSync(record?.path ?? '').mode & 0o133,
    0,
    'nobody may execute it, only its owner write',
  )
})

t.test('SEC-32: the log tells nothing of a patient, whatever happens to the object', async (t) => {
  const scp = await Scp.start(t)
  const secret = 'Geheim'
  const identity = [
    el(0x00100010, 'PN', `${secret}^Name`),
    el(0x00100020, 'LO', `${secret}-0815`),
    el(0x00080050, 'SH', `${secret}-ACC`),
    el(0x00100030, 'DA', '19691231'),
  ]
  const object = imageOf('2.25.321', ...identity)
  t.equal(await goodStore(scp.port, object), 0)
  t.equal(await goodStore(scp.port, object), 0, 'a duplicate')
  t.equal(await goodStore(scp.port, imageOf('2.25.321', ...identity, el(0x00181030, 'LO', 'x'))), 0)
  t.equal(await goodStore(scp.port, { ...object, SOPInstanceUID: `${secret}` }), 0xa900)
  const cut = object.dataSet.subarray(0, object.dataSet.length - 9)
  t.equal(await goodStore(scp.port, { ...object, dataSet: cut }), 0xc000)
  t.equal(
    await goodStore(scp.port, imageOf('2.25.322', ...identity, el(0x0020000d, 'UI', secret))),
    0xa900,
  )
  t.equal(await scp.end('SIGTERM'), 0)
  const log = JSON.stringify(scp.log)
  t.ok(scp.log.filter(({ msg }) => msg.startsWith('object refused')).length === 3)
  t.notOk(log.includes(secret))
  t.notOk(log.includes('19691231'))
})
