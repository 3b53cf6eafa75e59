import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { TouchFiles, touching } from '../../src/lib/arrive/index.ts'
import type { InstanceRecord } from '../../src/lib/record/index.ts'
import { instance } from './objects.ts'

function folder(t: Tap): string {
  const path = mkdtempSync(join(tmpdir(), 'fiona-touch-'))
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true })
  })
  return path
}
type Tap = Pick<typeof t, 'teardown'>
const record = (more = {}): InstanceRecord => instance({}, more) as unknown as InstanceRecord
const study = 'CT1 FIONA 10.0.0.1 scp_2.25.1'
const series = 'CT1 FIONA 10.0.0.1 2.25.1 2.25.1.1'

t.test('each object touches the files of its study and its series', (t) => {
  const directory = folder(t)
  let ms = 0
  const files = new TouchFiles(directory, () => ms)
  files.touch(record())
  t.same(readdirSync(directory).sort(), [series, study].sort())
  const age = (name: string): void => {
    utimesSync(join(directory, name), 1000, 1000)
  }
  age(study)
  ms = 500
  files.touch(record())
  t.equal(lstatSync(join(directory, study)).mtimeMs, 1_000_000, 'not again within a second')
  ms = 1000
  files.touch(record())
  t.ok(Date.now() - lstatSync(join(directory, study)).mtimeMs < 60_000, 'then again')
  rmSync(join(directory, study))
  ms = 2000
  files.touch(record())
  t.ok(existsSync(join(directory, study)), 'also when a script has removed it')
  t.end()
})

t.test('what comes from a peer is one field of a name, whatever it is', (t) => {
  const directory = folder(t)
  const files = new TouchFiles(directory, () => 0)
  const source = { callingAET: '../"A B\\', calledAET: "'\n", address: '::1' }
  files.touch(record({ source }))
  files.touch(record({ source: undefined }))
  t.same(readdirSync(directory).sort(), [
    '..AB unknown ::1 2.25.1 2.25.1.1',
    '..AB unknown ::1 scp_2.25.1',
    'unknown unknown unknown 2.25.1 2.25.1.1',
    'unknown unknown unknown scp_2.25.1',
  ])
  t.end()
})

t.test('a planted link is not followed, and trouble stops nothing', (t) => {
  const directory = folder(t)
  const target = join(folder(t), 'target')
  writeFileSync(target, '')
  utimesSync(target, 1000, 1000)
  symlinkSync(target, join(directory, study))
  symlinkSync(join(folder(t), 'nowhere'), join(directory, series))
  const files = new TouchFiles(directory, () => 0)
  files.touch(record())
  t.equal(lstatSync(target).mtimeMs, 1_000_000)
  rmSync(directory, { recursive: true })
  const troubles: unknown[] = []
  const passOn = { handles: ['instance'], record: (one: unknown) => one as never }
  const logic = touching(passOn, new TouchFiles(directory, () => 0), (error) =>
    troubles.push(error),
  )
  const one = instance()
  t.equal(logic.record(one), one)
  t.match(troubles, [{ code: 'ENOENT' }])
  const other = { type: 'mark', seq: 1 }
  t.equal(logic.record(other), other)
  t.equal(troubles.length, 1)
  t.end()
})
