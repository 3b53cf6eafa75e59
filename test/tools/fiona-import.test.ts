import { partsIn } from '../fixtures/incoming.ts'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { deflateRawSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { parseRecord, type AnyRecord, type InstanceRecord } from '../../src/lib/record/index.ts'
import { ctImage, dicomFile, syntax } from '../fixtures/dicom-writer.ts'
import { pydicomSamples, run as runCommand } from '../fixtures/peers.ts'
import {
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

/** A folder `in` of three objects in two series, beside an empty `data`. */
function site(t: Test) {
  const root = t.testdir({
    data: {},
    in: {
      b: { '2.dcm': ctImage({ sopUID: '2.25.2' }) },
      'a.dcm': ctImage({ sopUID: '2.25.1' }),
      'c.dcm': ctImage({ sopUID: '2.25.3', seriesUID: '2.25.1001.2' }),
    },
  })
  return { root, folder: join(root, 'in'), data: ['--data-dir', join(root, 'data')] }
}

t.test('a folder is copied into the archive, its records in the order of the names', async (t) => {
  const { folder, data } = site(t)
  const { code, records, stderr } = await run([...data, folder])
  t.equal(code, 0)
  t.equal(stderr, '')
  t.same(
    instances(records).map(({ SOPInstanceUID }) => SOPInstanceUID),
    ['2.25.1', '2.25.2', '2.25.3'],
  )
  for (const record of instances(records)) {
    t.same(parseRecord(record), record)
    t.equal(sha256(record.path), record.sha256)
    t.equal(record.source, undefined)
  }
  t.ok(existsSync(join(folder, 'a.dcm')))
  const again = await run([...data, folder])
  t.same(
    instances(again.records).map(({ duplicate }) => duplicate),
    [true, true, true],
  )
})

const samples = pydicomSamples()
t.test(
  'all of pydicom’s samples that are whole objects are imported, data set byte for byte',
  { skip: samples.length === 0 ? 'pydicom not installed' : false },
  async (t) => {
    const dataDir = t.testdir()
    const { code, records } = await run(['--data-dir', dataDir, ...samples])
    t.equal(code, 1)
    t.equal(records.length, samples.length, 'one record a file')
    const refused = new Map(
      errors(records).map((error) => [(error['record'] as { path: string }).path, error['code']]),
    )
    samples.forEach((path, index) => {
      const record = records[index]
      const name = path.slice(path.lastIndexOf('/') + 1)
      if (refused.has(path)) {
        const expected = /trunc|no_meta\.dcm/.test(name) ? 'E_DICOM_PARSE' : 'E_UID_INVALID'
        t.equal(refused.get(path), expected, name)
        return
      }
      const instance = parseRecord(record) as InstanceRecord
      using source = DicomFile.open(path)
      using stored = DicomFile.open(instance.path)
      const [from, to] = [source, stored].map((file) =>
        file.range(file.dataSetOffset, file.size - file.dataSetOffset),
      )
      t.ok(from !== undefined && to !== undefined && from.equals(to), name)
      t.equal(sha256(instance.path), instance.sha256, name)
    })
    // Three are damaged, six are fragments of data sets without identity.
    t.ok(refused.size <= 9, `${String(refused.size)} refused`)
    t.same(partsIn(dataDir), [])
    t.notOk(existsSync(join(dataDir, 'quarantine')), 'the sources are where they were')
  },
)

t.test('--in-place copies nothing; records point to the real files', async (t) => {
  const { root, folder } = site(t)
  symlinkSync('in', join(root, 'link'))
  const { code, records } = await run(['--in-place', 'link', 'in/a.dcm'], '', root)
  t.equal(code, 0)
  t.same(
    instances(records).map(({ path }) => path),
    ['a.dcm', 'b/2.dcm', 'c.dcm', 'a.dcm'].map((name) => join(folder, name)),
  )
  for (const record of records) t.same(parseRecord(record), record)
  t.notOk(existsSync(join(root, 'var')))
})

t.test('--move removes what is stored, and nothing else', async (t) => {
  const { root, folder, data } = site(t)
  writeFileSync(join(folder, 'cut.dcm'), ctImage().subarray(0, -1))
  writeFileSync(join(folder, 'notes.txt'), 'keep me')
  symlinkSync('in/a.dcm', join(root, 'link'))
  const { code, records } = await run([...data, '--move', folder])
  t.equal(code, 1)
  t.match(errors(records), [{ code: 'E_DICOM_PARSE', record: pathRecord(join(folder, 'cut.dcm')) }])
  t.same(readdirSync(folder), ['b', 'cut.dcm', 'notes.txt'])
  t.same(readdirSync(join(folder, 'b')), [])
  const stored = instances(records)[0]?.path ?? ''
  symlinkSync(stored, join(root, 'to-archive'))
  await run([...data, '--move', join(root, 'to-archive'), stored])
  t.ok(existsSync(stored), 'the archive is never a source to remove')
})

t.test('--move of a link that is named removes the link', async (t) => {
  const { root, folder, data } = site(t)
  symlinkSync('in/a.dcm', join(root, 'link'))
  t.equal((await run([...data, '--move', join(root, 'link')])).code, 0)
  t.notOk(existsSync(join(root, 'link')))
  t.ok(existsSync(join(folder, 'a.dcm')))
})

t.test('--move keeps the source when its record cannot be written, and cleans up', async (t) => {
  const { root, folder, data } = site(t)
  // On their way when the first record fails.
  const large = ctImage({ sopUID: '2.25.9', rows: 1024, columns: 1024 })
  for (const name of ['d', 'e', 'f', 'g']) writeFileSync(join(folder, name), large)
  const full = openSync('/dev/full', 'w')
  const child = spawn(tool, [...data, '--move', folder], {
    env: { ...process.env, ...env },
    stdio: ['ignore', full, 'ignore'],
  })
  const [code] = (await once(child, 'close')) as [number]
  closeSync(full)
  t.equal(code, 74)
  t.same(readdirSync(folder), ['a.dcm', 'b', 'c.dcm', 'd', 'e', 'f', 'g'])
  t.same(partsIn(join(root, 'data')), [])
})

t.test('paths come from stdin: lines, NUL-separated, and records that exist already', async (t) => {
  const { root, folder } = site(t)
  const lines = await run(['--in-place'], 'in/a.dcm\r\nin/b\n\nin/c.dcm', root)
  t.equal(instances(lines.records).length, 3)
  const odd = join(folder, 'b\nb.dcm')
  writeFileSync(odd, ctImage({ sopUID: '2.25.9' }))
  const nul = await run(['--in-place', '-0', '-'], `${odd}\0in/a.dcm\0`, root)
  t.same(
    instances(nul.records).map(({ path }) => path),
    [odd, join(folder, 'a.dcm')],
  )
  const [first] = lines.records
  const gone = { ...first, path: join(root, 'gone') }
  const mark = { type: 'mark', seq: 1 }
  const foreign = { type: 'weather', is: 'fine' }
  const input = [first, gone, mark, foreign, { ...first, SOPInstanceUID: '../x' }]
  const passed = await run([], input.map((record) => `${JSON.stringify(record)}\n`).join(''))
  t.equal(passed.code, 1)
  t.same([passed.records[0], passed.records[2], passed.records[3]], [first, mark, foreign])
  t.match(passed.records[1], { type: 'error', code: 'E_FILE_MISSING', record: gone })
  t.match(passed.records[4], { type: 'error', code: 'E_RECORD_INVALID' })
})

t.test(
  'what is not DICOM: named, an error; in a folder counted in the log; --strict',
  async (t) => {
    const { folder, data } = site(t)
    const text = join(folder, 'b/readme.txt')
    writeFileSync(text, 'nothing to see here')
    const quiet = await run([...data, folder])
    t.equal(quiet.code, 0)
    t.match(quiet.stderr, /"files":1.*not DICOM were left out/)
    for (const args of [[text], ['--strict', folder]]) {
      const loud = await run([...data, ...args])
      t.equal(loud.code, 1)
      t.match(errors(loud.records), [
        { code: 'E_DICOM_PARSE', record: pathRecord(text), tool: 'fiona-import' },
      ])
    }
  },
)

t.test('empty, missing, special and unreadable things are error records, and exit 1', async (t) => {
  const root = t.testdir({ 'empty.dcm': '', 'good.dcm': ctImage() })
  execFileSync('mkfifo', [join(root, 'pipe')])
  const names = ['empty.dcm', 'gone', 'pipe', '/dev/null', 'good.dcm/inside', 'good.dcm']
  const { code, records } = await run(['--in-place', ...names], '', root)
  t.equal(code, 1)
  t.same(
    records.map((record) => record['code'] ?? record.type),
    ['E_DICOM_PARSE', 'E_FILE_MISSING', 'E_FILE_TYPE', 'E_FILE_TYPE', 'E_FILE_MISSING', 'instance'],
  )
  for (const record of records) t.same(parseRecord(record), record)
})

t.test('a file cut anywhere is never taken for a whole one', async (t) => {
  const root = t.testdir({ whole: ctImage() })
  const size = statSync(join(root, 'whole')).size
  const names: string[] = []
  for (let cut = 1; cut < size; cut += 97) {
    const name = `cut-${String(cut)}`
    writeFileSync(join(root, name), ctImage())
    truncateSync(join(root, name), size - cut)
    names.push(name)
  }
  const { records } = await run(['--in-place', ...names], '', root)
  t.equal(records.length, names.length)
  const pixelBytes = 8 * 8 * 2
  records.forEach((record, index) => {
    const cut = Number(names[index]?.slice(4))
    // Between two elements nothing tells that there was more; inside of one it shows.
    if (cut <= pixelBytes) t.equal(record.type, 'error', `cut by ${String(cut)}`)
    else t.ok(record.type === 'error' || record.type === 'instance')
  })
})

t.test('--journal takes the records, the journal errors the errors', async (t) => {
  const { root, folder, data } = site(t)
  writeFileSync(join(folder, 'empty.dcm'), '')
  const { code, stdout, stderr } = await run([...data, '--journal', 'received', folder])
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /"errors":1.*journal errors/)
  t.equal((await journal(root, 'received')).length, 3)
  t.match(await journal(root, 'errors'), [{ type: 'error', code: 'E_DICOM_PARSE' }])
})

t.test('source and project: as the options say, and as projects match', async (t) => {
  const { root, folder, data } = site(t)
  const config = join(root, 'fiona.yaml')
  writeFileSync(config, "projects:\n  ABCD:\n    match: { calledAET: '^ABCD' }\n")
  const args = ['--config', config, ...data, '--calling-aet', 'CD', '--called-aet', 'ABCD1']
  const matched = await run([...args, join(folder, 'a.dcm')])
  const source = { callingAET: 'CD', calledAET: 'ABCD1' }
  t.match(matched.records, [{ project: 'ABCD', source, path: /data\/ABCD\/archive/ }])
  const given = await run([...args, '--project', 'OTHER', join(folder, 'a.dcm')])
  t.match(given.records, [{ project: 'OTHER', path: /data\/OTHER\/archive/ }])
  writeFileSync(config, "projects:\n  ABCD:\n    match: { calledAET: '^(' }\n")
  const bad = await run([...args, folder])
  t.equal(bad.code, 78)
  t.match(bad.stderr, /fiona\.yaml:3: projects\.ABCD\.match\.calledAET/)
})

t.test(
  'what was named relatively is told absolutely: error records hold for any folder',
  async (t) => {
    const { root, data } = site(t)
    const { records } = await run([...data, 'gone.dcm', '--called-aet', 'ABCD'], '', root)
    const [error] = errors(records)
    t.same(error?.['record'], { type: 'path', path: join(root, 'gone.dcm') })
    writeFileSync(join(root, 'gone.dcm'), ctImage({ sopUID: '2.25.9' }))
    const again = await run(data, `${JSON.stringify(error?.['record'])}\n`, '/')
    t.match(again.records, [{ type: 'instance', SOPInstanceUID: '2.25.9' }])
  },
)

t.test('a name that is not UTF-8 can be tried again, too', async (t) => {
  const { root, data } = site(t)
  const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)])
  writeFileSync(path, '')
  const { records } = await run([...data, '-0'], `${root}/in/a.dcm\0`)
  t.equal(records.length, 1)
  const record = { type: 'path', path: `${root}/\ufffd`, bytes: path.toString('base64') }
  const empty = await run(data, JSON.stringify(record))
  t.match(errors(empty.records), [{ code: 'E_DICOM_PARSE', record }])
  writeFileSync(path, ctImage({ sopUID: '2.25.9' }))
  const again = await run(data, JSON.stringify(errors(empty.records)[0]?.['record']))
  t.match(again.records, [{ SOPInstanceUID: '2.25.9' }])
  rmSync(path)
})

t.test('where there is nothing to import, the log says so', async (t) => {
  const { root, data } = site(t)
  mkdirSync(join(root, 'empty/folder'), { recursive: true })
  for (const [args, input] of [
    [[join(root, 'empty')], ''],
    [['-'], '\n  \n'],
  ] as const) {
    const { code, stdout, stderr } = await run([...data, ...args], input)
    t.equal(code, 0)
    t.equal(stdout, '')
    t.match(stderr, /nothing to import was found/)
  }
})

t.test(
  'SEC-27: bytes in the preamble that could be a program are kept, and run nowhere',
  async (t) => {
    const { root, data } = site(t)
    const bytes = ctImage()
    for (const [name, start] of [
      ['elf', '\x7fELF'],
      ['mz', 'MZ'],
      ['script', '#!/bin/sh\n'],
    ] as const) {
      bytes.fill(0, 0, 128).write(start, 0, 'latin1')
      const path = join(root, name)
      writeFileSync(path, bytes, { mode: 0o777 })
      const { records } = await run([...data, '--project', name, path])
      const stored = String(records[0]?.['path'])
      t.same(readFileSync(stored), bytes, name)
      t.equal(statSync(stored).mode & 0o777, 0o640)
    }
  },
)

t.test('SEC-18: a deflated data set that inflates without end is refused', async (t) => {
  const { root, data } = site(t)
  const nothing = deflateRawSync(Buffer.alloc(0)).length
  const head = dicomFile({ transferSyntax: syntax.deflated, elements: [] }).subarray(0, -nothing)
  const bomb = deflateRawSync(Buffer.alloc(600 << 20))
  writeFileSync(join(root, 'bomb.dcm'), Buffer.concat([head, bomb]))
  const { code, records } = await run([...data, join(root, 'bomb.dcm'), join(root, 'in/a.dcm')])
  t.equal(code, 1)
  t.match(records, [{ code: 'E_DICOM_LIMIT' }, { type: 'instance' }])
})

t.test('progress is told on a terminal only, and in numbers only', async (t) => {
  const { root, folder, data } = site(t)
  const script = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'
  const args = [...data, '--journal', 'received', folder]
  const shown = await runCommand('/usr/bin/python3', ['-c', script, tool, ...args], { env })
  t.equal(shown.code, 0)
  t.match(shown.stdout, /3 files, [\d.]+ kB, .* files\/s/)
  t.notMatch(shown.stdout, root)
  t.equal((await run(args)).stderr, '')
})

t.test('REL-13: a full disk ends it: what was said is stored, the rest is untouched', async (t) => {
  const { root, folder, data } = site(t)
  const config = join(root, 'fiona.json')
  writeFileSync(config, JSON.stringify({ receiver: { reserveBytes: Number.MAX_SAFE_INTEGER } }))
  const { code, stdout, stderr } = await run(['--config', config, ...data, '--move', folder])
  t.equal(code, 73)
  t.equal(stdout, '')
  t.match(stderr, /^error: .*reserve[^]*\nhint: free space/)
  t.same(readdirSync(folder), ['a.dcm', 'b', 'c.dcm'])
})

t.test('REL-13: where the file system takes no more, nothing half-written stays', async (t) => {
  const root = t.testdir({ data: {}, in: {} })
  writeFileSync(join(root, 'in/1-small.dcm'), ctImage({ sopUID: '2.25.1' }))
  // More of them than are copied at once.
  for (let n = 2; n < 12; n++) {
    const bytes = ctImage({ sopUID: `2.25.${String(n)}`, rows: 1024, columns: 1024 })
    writeFileSync(join(root, `in/${String(n)}-large.dcm`), bytes)
  }
  // A limit of file size is the full disk that a test can have: EFBIG instead of ENOSPC.
  const limited = 'ulimit -f 1024; exec "$@"'
  const survive = `--import=data:text/javascript,process.on('SIGXFSZ',Boolean)`
  const args = ['-c', limited, 'bash', tool, '--data-dir', join(root, 'data'), join(root, 'in')]
  const { code, stdout, stderr } = await runCommand('bash', args, {
    env: { ...env, NODE_OPTIONS: survive },
  })
  t.equal(code, 73)
  t.match(stderr, /EFBIG/)
  t.equal(stdout.split('\n').length, 2, 'the small one is stored and said')
  t.same(partsIn(join(root, 'data')), [])
})

for (const args of [
  ['--in-place', '--move', 'x'],
  ['--front-door', '/tmp/x'],
  ['--front-door', '/tmp/x', '--journal', 'received', 'PATH'],
  ['--watch', 'x', 'PATH'],
  ['--watch', 'x', '--in-place'],
  ['--watch', 'x', '--front-door', '/tmp/x', '--journal', 'received'],
  ['--settle-seconds', '1', 'x'],
  ['--project', '../x', 'x'],
  ['--calling-aet', 'seventeen letters', 'x'],
  ['--calling-aet', 'a\\b', 'x'],
  ['-', '-'],
  ['--no-such-option'],
]) {
  t.test(`${args.join(' ')} is a usage mistake`, async (t) => {
    const { code, stderr, stdout } = await run(args)
    t.equal(code, 64)
    t.equal(stdout, '')
    t.match(stderr, /^error: .*\nhint: run fiona-import --help\n$/)
  })
}

t.test('--help leads with examples, and knows -0', async (t) => {
  const { code, stdout } = await runCommand(tool, ['--help'])
  t.equal(code, 0)
  t.match(stdout, /Examples:\n {2}fiona-import/)
  t.match(stdout, /-0, --null/)
})

t.test('stopped by a signal, it says so, and what it said is stored', async (t) => {
  const { root, data } = site(t)
  const args = [...data, '--journal', 'received']
  const child = spawn(tool, args, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.stdin?.write(`${join(root, 'in/a.dcm')}\n`)
  await until(async () => (await journal(root, 'received').catch(() => [])).length === 1)
  child.kill('SIGTERM')
  t.same(await once(child, 'close'), [75, null])
})

t.test(
  'REL-11: killed in its middle and started again it goes on: each object is there once',
  async (t) => {
    const count = 150
    const files = Array.from({ length: count }, (_, n) => {
      return [`${String(n)}.dcm`, ctImage({ sopUID: `2.25.${String(n)}` })] as const
    })
    const root = t.testdir({ data: {}, in: Object.fromEntries(files) })
    const [data, folder] = [join(root, 'data'), join(root, 'in')]
    const args = ['--data-dir', data, '--journal', 'received', '--move', folder]
    const recorded = async (): Promise<number> =>
      (await journal(root, 'received').catch(() => [])).length
    for (const least of [20, 60]) {
      const child = spawn(tool, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
      await until(async () => (await recorded()) >= least)
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    t.ok(readdirSync(folder).length > 0, 'it was killed before the end')
    const { code } = await run(args)
    t.equal(code, 0)
    t.same(readdirSync(folder), [])
    t.same(partsIn(data), [])
    const stored = readdirSync(join(data, 'default/archive'), { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.dcm'))
    t.equal(stored.length, count)
    const told = instances(await journal(root, 'received'))
    t.equal(new Set(told.map(({ SOPInstanceUID }) => SOPInstanceUID)).size, count)
    for (const { path, sha256: digest } of told) t.equal(sha256(path), digest)
  },
)

/** A service at a named pipe, its log line by line. */
class Door {
  readonly root = mkdtempSync(join(tmpdir(), 'fiona-door-'))
  readonly pipe = join(this.root, 'run/received.pipe')
  readonly log: string[] = []
  child: ChildProcess | undefined

  constructor() {
    t.teardown(() => rmSync(this.root, { recursive: true, force: true }))
  }
  async open(): Promise<void> {
    mkdirSync(join(this.root, 'data'), { recursive: true })
    const args = ['--data-dir', join(this.root, 'data'), '--front-door', this.pipe]
    this.child = spawn(tool, [...args, '--journal', 'received'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const { stderr } = this.child
    if (stderr === null) throw new Error('no stderr')
    for await (const line of createInterface({ input: stderr })) {
      this.log.push(line)
      if (line.includes('front door is open')) return void stderr.resume()
    }
    throw new Error(this.log.join('\n'))
  }
  write(text: string): void {
    const fd = openSync(this.pipe, constants.O_WRONLY | constants.O_NONBLOCK)
    writeSync(fd, text)
    closeSync(fd)
  }
  file(name: string, bytes: Buffer): string {
    const path = join(this.root, name)
    writeFileSync(path, bytes)
    return path
  }
  async records(name: string, count: number): Promise<AnyRecord[]> {
    let found: AnyRecord[] = []
    await until(async () => {
      found = await journal(this.root, name).catch(() => [])
      return found.length >= count
    })
    return found
  }
  async close(): Promise<unknown> {
    const closed = this.child === undefined ? [] : once(this.child, 'close')
    this.child?.kill('SIGTERM')
    return closed
  }
}

t.test('the front door takes paths, records and announcements, and stays open', async (t) => {
  const door = new Door()
  await door.open()
  t.equal(statSync(door.pipe).mode & 0o777, 0o620)
  const one = door.file('one.dcm', ctImage({ sopUID: '2.25.1' }))
  const two = door.file('two.dcm', ctImage({ sopUID: '2.25.2' }))
  door.write(`${one}\n`)
  const [first] = await door.records('received', 1)
  t.match(first, { type: 'instance', SOPInstanceUID: '2.25.1', path: /archive/ })
  door.write('no path at all\n')
  door.write(`{"type":"mark","seq":1}\n{"type":"instance","path":"/etc/passwd"}\n/gone\n`)
  door.write(`\0CT 1,FIONA,10.0.0.1,${door.root},two.dcm\n\0`)
  // The archive's own object again: to be classified anew.
  door.write(`${String(first?.['path'])}\n`)
  const study = {
    type: 'study',
    StudyInstanceUID: '2.25.5',
    path: '/data/x',
    series: [],
    instances: 0,
    bytes: 0,
    reason: 'quiet',
    revision: 1,
  }
  door.write(`${JSON.stringify(study)}\n`)
  const records = await door.records('received', 4)
  const source = { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.1' }
  t.match(records.slice(1), [
    { SOPInstanceUID: '2.25.2', source },
    { SOPInstanceUID: '2.25.1', path: first?.['path'], duplicate: true },
    study,
  ])
  t.same(
    (await door.records('errors', 4)).map((error) => error['code']),
    ['E_PATH_RELATIVE', 'E_RECORD_INVALID', 'E_RECORD_INVALID', 'E_FILE_MISSING'],
  )
  t.ok(existsSync(two), 'nothing is moved')
  t.same(await door.close(), [0, null])
  t.ok(statSync(door.pipe).isFIFO(), 'writers wait at the closed door')
})

t.test('many writers at once, and a folder: every line is taken once', async (t) => {
  const door = new Door()
  await door.open()
  const folder = join(door.root, 'folder')
  mkdirSync(folder)
  for (let n = 0; n < 60; n++) {
    const bytes = ctImage({ sopUID: `2.25.${String(n)}` })
    writeFileSync(join(n < 30 ? folder : door.root, `${String(n)}.dcm`), bytes)
  }
  const loop = `for n in $(seq "$1" "$2"); do echo "$3/$n.dcm" > "$4"; done`
  await Promise.all([
    ...[30, 40, 50].map((from) =>
      runCommand('sh', ['-c', loop, 'sh', String(from), String(from + 9), door.root, door.pipe]),
    ),
    runCommand('sh', ['-c', 'echo "$1" > "$2"', 'sh', folder, door.pipe]),
  ])
  const records = await door.records('received', 60)
  const uids = new Set(records.map((record) => record['SOPInstanceUID']))
  t.equal(records.length, 60)
  t.equal(uids.size, 60)
  t.same(await door.close(), [0, null])
})

t.test(
  'killed and started again it takes over its pipe; what waits in it is not lost',
  async (t) => {
    const door = new Door()
    await door.open()
    door.child?.kill('SIGKILL')
    if (door.child !== undefined) await once(door.child, 'close')
    const one = door.file('one.dcm', ctImage({ sopUID: '2.25.1' }))
    const writer = runCommand('sh', ['-c', 'echo "$1" > "$2"', 'sh', one, door.pipe])
    await door.open()
    await writer
    t.match(await door.records('received', 1), [{ SOPInstanceUID: '2.25.1' }])
    t.same(await door.close(), [0, null])
  },
)

t.test('a line that is in the pipe when the signal comes is still taken', async (t) => {
  const door = new Door()
  await door.open()
  const paths = Array.from({ length: 20 }, (_, n) =>
    door.file(`${String(n)}.dcm`, ctImage({ sopUID: `2.25.${String(n)}` })),
  )
  door.write(paths.map((path) => `${path}\n`).join(''))
  t.same(await door.close(), [0, null])
  t.equal((await door.records('received', 20)).length, 20)
})

t.test('lines written before there was a pipe, into a file in its place, are taken', async (t) => {
  const door = new Door()
  const [before, during] = ['2.25.1', '2.25.2'].map((sopUID) =>
    door.file(`${sopUID}.dcm`, ctImage({ sopUID })),
  )
  mkdirSync(dirname(door.pipe), { recursive: true })
  writeFileSync(door.pipe, `${before ?? ''}\n`)
  await door.open()
  door.write(`${during ?? ''}\n`)
  t.match(await door.records('received', 2), [
    { SOPInstanceUID: '2.25.1' },
    { SOPInstanceUID: '2.25.2' },
  ])
  t.same(await door.close(), [0, null])
  t.same(
    readdirSync(dirname(door.pipe)).filter((name) => name.includes('written-before')),
    [],
  )
})

t.test('a line that somebody left open does not swallow the next writer’s', async (t) => {
  const door = new Door()
  await door.open()
  const [one, two] = ['2.25.1', '2.25.2'].map((sopUID) => door.file(sopUID, ctImage({ sopUID })))
  // No newline: the pause ends it.
  door.write(String(one))
  t.match(await door.records('received', 1), [{ SOPInstanceUID: '2.25.1' }])
  door.write(`${String(two)}\n \t\n\r\n`)
  t.match((await door.records('received', 2))[1], { SOPInstanceUID: '2.25.2' })
  t.same(await door.close(), [0, null])
  t.same(await journal(door.root, 'errors'), [], 'white space says nothing')
})

t.test('a line that arrives in pieces is whole when its writer is just slow', async (t) => {
  const door = new Door()
  await door.open()
  const path = door.file('1.dcm', ctImage())
  // Longer than PIPE_BUF, as the kernel may cut it.
  const line = `${JSON.stringify({ type: 'path', path, note: 'x'.repeat(10_000) })}\n`
  const fd = openSync(door.pipe, constants.O_WRONLY)
  for (let at = 0; at < line.length; at += 3000) {
    writeSync(fd, line.slice(at, at + 3000))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  closeSync(fd)
  t.match(await door.records('received', 1), [{ type: 'instance', SOPInstanceUID: '2.25.3001' }])
  t.same(await door.close(), [0, null])
  t.same(await journal(door.root, 'errors'), [])
})

t.test('an error record can be tried again through the front door, from anywhere', async (t) => {
  const door = new Door()
  await door.open()
  const path = join(door.root, 'later.dcm')
  const source = { callingAET: 'CT1' }
  door.write(`${JSON.stringify({ type: 'path', path, source })}\n`)
  const [error] = await door.records('errors', 1)
  t.match(error, { code: 'E_FILE_MISSING', record: { type: 'path', path, source } })
  door.file('later.dcm', ctImage({ sopUID: '2.25.1' }))
  door.write(`${JSON.stringify(error?.['record'])}\n`)
  t.match(await door.records('received', 1), [{ SOPInstanceUID: '2.25.1', source }])
  door.write('{"type":"path","path":"relative"}\n{"type":"path","path":"/x","bytes":"eA=="}\n')
  const errors = await door.records('errors', 3)
  t.same(
    errors.map((record) => record['code']),
    ['E_FILE_MISSING', 'E_RECORD_INVALID', 'E_RECORD_INVALID'],
  )
  t.same(await door.close(), [0, null])
})

for (const [what, make] of [
  ['a link', (path: string) => symlinkSync('/dev/null', path)],
  ['a folder', (path: string) => mkdirSync(path)],
] as const) {
  t.test(`${what} in the place of the pipe is refused, and left as it is`, async (t) => {
    const root = t.testdir({ data: {} })
    const path = join(root, 'pipe')
    make(path)
    const data = ['--data-dir', join(root, 'data')]
    const { code, stderr } = await run([...data, '--front-door', path, '--journal', 'received'])
    t.equal(code, 73)
    t.match(stderr, /^error: .* is no named pipe\nhint: /)
    t.ok(existsSync(path))
  })
}
