import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { ctImage, dicomFile, el } from '../fixtures/dicom-writer.ts'
import { partsIn } from '../fixtures/incoming.ts'
import { paxName, tarFile } from '../fixtures/tar-writer.ts'
import { zipFile } from '../fixtures/zip-writer.ts'
import {
  codes,
  env,
  errors,
  instances,
  journal,
  pathRecord,
  run,
  sha256,
  tool,
  until,
} from './import-site.ts'

const object = (n: number) => ctImage({ sopUID: `2.25.${String(n)}` })

/** A folder of packages beside an empty `data`. */
function site(t: Test, packages: Record<string, Buffer>) {
  const root = t.testdir({ data: {}, in: packages })
  const data = join(root, 'data')
  return {
    root,
    folder: join(root, 'in'),
    args: ['--data-dir', data],
    data,
    path: (name: string) => join(root, 'in', name),
  }
}

/** Nothing but objects of the archive came into being: no tree of names, no leftovers. */
function isClean(t: Test, data: string): void {
  t.same(partsIn(data), [])
  const made = readdirSync(data).filter((name) => name !== 'incoming')
  t.ok(made.every((name) => name === 'default'))
  const files = readdirSync(data, { recursive: true, withFileTypes: true })
  const others = files.filter(
    (entry) =>
      !entry.isDirectory() &&
      !/^2\.25\..*\.dcm$/.test(entry.name) &&
      !entry.name.endsWith('.owner.json'),
  )
  t.same(
    others.map(({ name }) => name),
    [],
  )
}

const whole = {
  'deflated.zip': zipFile([{ name: 'a/1', data: object(1) }]),
  'stored.zip': zipFile([{ name: '1', data: object(1), method: 0 }]),
  'descriptor.zip': zipFile([{ name: '1', data: object(1), hasDescriptor: true }]),
  'zip64.zip': zipFile([{ name: '1', data: object(1), isZip64: true }]),
  'plain.tar': tarFile([
    { name: 'a', type: '5' },
    { name: 'a/1', data: object(1) },
  ]),
  'compressed.tgz': gzipSync(tarFile([{ name: '1', data: object(1) }])),
  'long.tar.gz': gzipSync(
    tarFile([paxName(`${'d/'.repeat(200)}1`), { name: '1', data: object(1) }]),
  ),
}
for (const [name, bytes] of Object.entries(whole)) {
  t.test(`${name}: its object is stored byte for byte`, async (t) => {
    const { args, folder, data } = site(t, { [name]: bytes })
    const { code, records, stderr } = await run([...args, folder])
    t.equal(code, 0, stderr)
    const [record] = instances(records)
    t.equal(records.length, 1)
    t.same(readFileSync(record?.path ?? ''), object(1))
    t.equal(sha256(record?.path ?? ''), record?.sha256)
    isClean(t, data)
    const again = await run([...args, folder])
    t.match(again.records, [{ duplicate: true, path: record?.path, sha256: record?.sha256 }])
  })
}

t.test('many objects, small and large, come in the order of the package', async (t) => {
  const members = Array.from({ length: 40 }, (_, n) => ({
    name: String(n),
    data: ctImage({
      sopUID: `2.25.${String(n)}`,
      ...(n % 7 === 0 ? { rows: 600, columns: 600 } : {}),
    }),
  }))
  for (const [name, bytes] of [
    ['a.zip', zipFile(members)],
    ['a.tgz', gzipSync(tarFile(members))],
  ] as const) {
    const { args, path, data } = site(t, { [name]: bytes })
    const { code, records } = await run([...args, path(name)])
    t.equal(code, 0)
    t.same(
      instances(records).map(({ SOPInstanceUID }) => SOPInstanceUID),
      members.map(({ name }) => `2.25.${name}`),
    )
    records.forEach((record, n) => {
      t.same(readFileSync(String(record['path'])), members[n]?.data)
    })
    isClean(t, data)
  }
})

t.test(
  'in folders a package is known by its name; what somebody names, by its bytes',
  async (t) => {
    const bytes = zipFile([{ name: '1', data: object(1) }])
    const { args, folder, path } = site(t, { 'thesis.docx': bytes })
    const walked = await run([...args, folder])
    t.same(walked.records, [])
    t.match(walked.stderr, /"files":1.*not DICOM were left out/)
    const named = await run([...args, path('thesis.docx')])
    t.same(codes(named.records), ['instance'])
  },
)

t.test(
  'what is not DICOM in a package is counted, a DICOMDIR passed over, --strict makes errors',
  async (t) => {
    const directory = dicomFile({
      meta: [el(0x00020002, 'UI', '1.2.840.10008.1.3.10')],
      elements: [el(0x00041130, 'CS', 'DISC')],
    })
    const bytes = zipFile([
      { name: 'DICOMDIR', data: directory },
      { name: 'readme.txt', data: Buffer.from('hello') },
      { name: 'folder/' },
      { name: '1', data: object(1) },
    ])
    const { args, path, data } = site(t, { 'a.zip': bytes })
    const quiet = await run([...args, path('a.zip')])
    t.same(codes(quiet.records), ['instance'])
    t.match(quiet.stderr, /"files":1.*not DICOM were left out/)
    const loud = await run([...args, '--strict', path('a.zip')])
    t.same(codes(loud.records), ['E_DICOM_PARSE', 'instance'])
    isClean(t, data)
  },
)

t.test('--in-place refuses a package: no record can point into it', async (t) => {
  const { folder, path } = site(t, { 'a.zip': zipFile([{ name: '1', data: object(1) }]) })
  const { code, records } = await run(['--in-place', folder])
  t.equal(code, 1)
  t.match(records, [{ code: 'E_PACKAGE_IN_PLACE', record: pathRecord(path('a.zip')) }])
})

t.test('--move removes a package of which everything is stored, and no other', async (t) => {
  const { args, folder } = site(t, {
    'damaged.zip': zipFile([{ name: '1', data: object(1), crc: 7 }]),
    'other.zip': zipFile([
      { name: '2', data: object(2) },
      { name: 'notes.txt', data: Buffer.from('keep me') },
    ]),
    'whole.tar': tarFile([{ name: '3', data: object(3) }]),
    'whole.zip': zipFile([{ name: '4', data: object(4) }]),
  })
  const { records, stderr } = await run([...args, '--move', folder])
  t.same(codes(records).sort(), ['E_PACKAGE_DAMAGED', 'instance', 'instance', 'instance'])
  t.match(stderr, /a package was not removed/)
  t.same(readdirSync(folder), ['damaged.zip', 'other.zip'])
})

t.test('one member that failed can be tried again by its error record', async (t) => {
  const damaged = zipFile([
    { name: 'a', data: object(1) },
    { name: 'b', data: object(2), crc: 7 },
  ])
  const { args, path } = site(t, { 'a.zip': damaged })
  const first = await run([...args, path('a.zip')])
  const [error] = errors(first.records)
  t.match(error, { record: { type: 'path', path: path('a.zip'), member: 'b' } })
  writeFileSync(
    path('a.zip'),
    zipFile([
      { name: 'a', data: object(1) },
      { name: 'b', data: object(2) },
    ]),
  )
  const again = await run(args, `${JSON.stringify(error?.['record'])}\n`, '/')
  t.match(again.records, [{ SOPInstanceUID: '2.25.2', duplicate: false }])
  const gone = await run(args, JSON.stringify({ ...pathRecord(path('a.zip')), member: 'c' }))
  t.same(codes(gone.records), ['E_FILE_MISSING'])
})

t.test(
  'SEC-26: names that lead out, links and devices are refused; the others are stored',
  async (t) => {
    const names = ['../../up', '/etc/cron.d/x', 'a/../../b', '..\\..\\x', 'C:\\x', 'nul\0x']
    const link = { data: Buffer.from('/etc/passwd'), mode: 0o120777 }
    const { args, folder, data, root } = site(t, {
      'names.zip': zipFile([
        ...names.map((name) => ({ name, data: object(9) })),
        { name: 'x', data: object(1) },
      ]),
      'names.tar': tarFile([
        ...names.slice(0, 3).map((name) => ({ name, data: object(9) })),
        { name: 'x', data: object(2) },
      ]),
      'names.tgz': gzipSync(
        tarFile([
          ...names.slice(0, 3).map((name) => ({ name, data: object(9) })),
          { name: 'l', type: '2', link: '../../..' },
          { name: 'x', data: object(5) },
        ]),
      ),
      'links.zip': zipFile([
        { name: 'l', ...link },
        { name: 'l/inside', data: object(3) },
      ]),
      'links.tar': tarFile([
        { name: 'l', type: '2', link: '/tmp' },
        { name: 'h', type: '1', link: '/etc/passwd' },
        { name: 'd', type: '3' },
        { name: 'p', type: '6' },
        { name: 'l/inside', data: object(4) },
      ]),
    })
    const before = readdirSync(root)
    const { code, records } = await run([...args, folder])
    t.equal(code, 1)
    const count = (wanted: string) => codes(records).filter((code) => code === wanted).length
    t.equal(count('E_PACKAGE_NAME'), names.length + 6)
    t.equal(count('E_PACKAGE_TYPE'), 6)
    t.same(
      instances(records)
        .map(({ SOPInstanceUID }) => SOPInstanceUID)
        .sort(),
      ['2.25.1', '2.25.2', '2.25.3', '2.25.4', '2.25.5'],
    )
    t.same(readdirSync(root), before)
    isClean(t, data)
  },
)

t.test('SEC-18: members over each other, forged sizes and encryption are refused', async (t) => {
  const kernel = { name: '0', data: object(1) }
  const zeros = Buffer.concat([object(5), Buffer.alloc(4 << 20)])
  const { args, path, data } = site(t, {
    'overlapping.zip': zipFile([
      kernel,
      ...[1, 2, 3].map((n) => ({ ...kernel, name: String(n), sameAs: 0 })),
    ]),
    'forged.zip': zipFile([{ name: '1', data: zeros, size: 1000 }]),
    'short.zip': zipFile([{ name: '1', data: object(1), size: 100_000 }]),
    'encrypted.zip': zipFile([
      { name: '1', data: object(1) },
      { name: '2', data: object(2), isEncrypted: true },
    ]),
    'method.zip': zipFile([{ name: '1', data: object(1), method: 12 }]),
    'checksum.zip': zipFile([{ name: '1', data: object(1), crc: 1 }]),
    'nested.zip': zipFile([{ name: 'inner.zip', data: zipFile([kernel]) }]),
    'gzip.tgz': gzipSync(gzipSync(tarFile([kernel]))),
    'text.tgz': gzipSync('hello'),
    'empty.zip': Buffer.alloc(0),
  })
  const expected: readonly [name: string, code: string][] = [
    ['overlapping.zip', 'E_PACKAGE_BOMB'],
    ['forged.zip', 'E_PACKAGE_DAMAGED'],
    ['short.zip', 'E_PACKAGE_DAMAGED'],
    ['encrypted.zip', 'E_PACKAGE_ENCRYPTED'],
    ['method.zip', 'E_PACKAGE_UNSUPPORTED'],
    ['checksum.zip', 'E_PACKAGE_DAMAGED'],
    ['nested.zip', 'E_PACKAGE_NESTED'],
    ['gzip.tgz', 'E_PACKAGE_UNSUPPORTED'],
    ['text.tgz', 'E_PACKAGE_UNSUPPORTED'],
    ['empty.zip', 'E_DICOM_PARSE'],
  ]
  for (const [name, code] of expected) {
    const { records } = await run([...args, path(name)])
    t.same(codes(records), [code], name)
    t.match(String(records[0]?.['message']), path(name))
  }
  t.notOk(existsSync(join(data, 'default')), 'nothing of them is stored')
  isClean(t, data)
})

t.test('a package that is cut off anywhere ends in an error, never in silence', async (t) => {
  const members = [
    { name: '1', data: object(1) },
    { name: '2', data: object(2) },
  ]
  const packages = { zip: zipFile(members), tar: tarFile(members), tgz: gzipSync(tarFile(members)) }
  const cut: Record<string, Buffer> = {}
  for (const [kind, bytes] of Object.entries(packages)) {
    for (let at = 1; at < 8; at++) {
      cut[`${String(at)}.${kind}`] = bytes.subarray(0, Math.floor((bytes.length * at) / 8))
    }
  }
  // Between two members, where no header is cut: only the end is missing.
  cut['between.tar'] = tarFile(members.slice(0, 1), { end: false })
  cut['checksum.tar'] = tarFile([
    { name: '1', data: object(1) },
    { name: '2', data: object(2), hasWrongChecksum: true },
  ])
  const { args, path, data } = site(t, cut)
  const { records } = await run([...args, ...Object.keys(cut).map(path)])
  const told = new Set(errors(records).map((error) => (error['record'] as { path: string }).path))
  t.same(
    Object.keys(cut).filter((name) => !told.has(path(name))),
    [],
  )
  t.ok(errors(records).every(({ code }) => String(code).startsWith('E_PACKAGE_')))
  isClean(t, data)
})

t.test('what is damaged in a package does not keep the rest from being stored', async (t) => {
  const { args, path } = site(t, {
    'a.zip': zipFile([
      { name: 'cut', data: object(1).subarray(0, -10) },
      { name: 'empty' },
      { name: 'no-uid', data: ctImage({ without: [0x0020000d] }) },
      { name: 'good', data: object(2) },
    ]),
  })
  const { code, records } = await run([...args, path('a.zip')])
  t.equal(code, 1)
  t.same(codes(records), ['E_DICOM_PARSE', 'E_DICOM_PARSE', 'E_UID_INVALID', 'instance'])
  t.match(String(records[0]?.['message']), 'member "cut"')
})

t.test(
  'a signal ends it between two members; the rest is told, and the package stays',
  async (t) => {
    const members = Array.from({ length: 3000 }, (_, n) => ({ name: String(n), data: object(n) }))
    const { args, path, root } = site(t, { 'a.zip': zipFile(members) })
    const child = spawn(tool, [...args, '--move', '--journal', 'received', path('a.zip')], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    await until(async () => (await journal(root, 'received').catch(() => [])).length > 10)
    child.kill('SIGTERM')
    t.same(await once(child, 'close'), [75, null])
    t.match(await journal(root, 'errors'), [
      { code: 'E_INTERRUPTED', retryable: true, record: pathRecord(path('a.zip')) },
    ])
    t.ok((await journal(root, 'received')).length < members.length)
    t.ok(existsSync(path('a.zip')))
  },
)
