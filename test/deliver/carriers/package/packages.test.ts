import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { placeOf } from '../../../../src/lib/deliver/carriers/package/package-place.ts'
import { Throttle } from '../../../../src/lib/deliver/throttle.ts'
import { ctImage } from '../../../fixtures/dicom-writer.ts'
import { missing } from '../../../fixtures/peers.ts'
import { Sending, configuration, filesBelow, send } from '../../sending.ts'
import { makeStudy, studyIn, temporary, write, type Study } from '../../studies.ts'
import { destinationAt } from '../waybill.ts'
import { SshServer } from '../sftp/ssh-server.ts'

const skip = missing('sshd', 'ssh-keygen')
const server = skip === false ? await SshServer.start() : undefined
t.teardown(() => server?.die())

/** A configuration with one destination that gets packages. */
const packagesTo = (url: string, more: object = {}): string =>
  configuration({
    dataDir: temporary(),
    projects: { ABCD: { destinations: ['institute'] } },
    destinations: { institute: { url, packages: 'tgz', retry: { max: 0 }, ...more } },
  })

const uidOf = ({ record }: Study): string => String(record['StudyInstanceUID'])
const nameOf = (study: Study, series: number): string =>
  `${String(study.record['participant'])}_baseline_${uidOf(study)}_${uidOf(study)}.${String(series)}`

/** As the people there do it: `md5sum` beside each package. */
function answer(folder: string, name: string, sum?: string): void {
  const text = sum ?? execFileSync('md5sum', ['-b', `${name}.tgz`], { cwd: folder }).toString()
  writeFileSync(join(folder, `.${name}.answer`), text)
  renameSync(join(folder, `.${name}.answer`), join(folder, `${name}.md5sum_server`))
}

/** Until it is so; whoever should make it so must live. */
async function until(isSo: () => boolean, { child, stderr }: Sending): Promise<void> {
  while (!isSo()) {
    if (child.exitCode !== null) throw new Error(`fiona-send has ended: ${stderr}`)
    await delay(20)
  }
}

t.test('each series is one file, which md5sum and tar understand', async (t) => {
  const folder = join(temporary(), 'outbox')
  const study = makeStudy({ objects: 5, series: 2 })
  const sent = await send(['--config', packagesTo(`file:${folder}`)], [study.record])
  t.equal(sent.code, 0, sent.stderr)
  t.match(sent.records, [{ status: 'sent', instances: { sent: 5, failed: 0 }, verified: false }])
  const names = [nameOf(study, 1), nameOf(study, 2)]
  t.same(
    readdirSync(folder).sort(),
    names.flatMap((name) => [`${name}.json`, `${name}.md5sum`, `${name}.tgz`]).sort(),
  )
  for (const name of names) {
    t.match(execFileSync('md5sum', ['-c', `${name}.md5sum`], { cwd: folder }).toString(), /: OK/)
  }
  const unpacked = temporary()
  for (const name of names) {
    execFileSync('tar', ['-xzf', join(folder, `${name}.tgz`), '-C', unpacked])
  }
  const files = filesBelow(unpacked)
  t.equal(files.length, 5)
  for (const path of study.files) {
    const inside = path.split('/').slice(-3).join('/')
    t.ok(readFileSync(join(unpacked, inside)).equals(readFileSync(path)), inside)
  }
  const summary = JSON.parse(readFileSync(join(folder, `${names[0] ?? ''}.json`), 'utf8')) as object
  t.match(summary, { NumFiles: '2', Modality: 'CT', StudyInstanceUID: uidOf(study) })
})

t.test('the same series makes the same bytes, whoever packs it and when', async (t) => {
  const study = makeStudy({ objects: 3 })
  const packed = []
  for (const folder of [temporary(), temporary()]) {
    await send(['--config', packagesTo(`file:${folder}`)], [study.record])
    packed.push(readFileSync(join(folder, `${nameOf(study, 1)}.tgz`)))
  }
  t.ok(packed[0]?.equals(packed[1] ?? Buffer.of()))
})

t.test('a later revision packs again what has more objects, whole, and nothing else', async (t) => {
  const folder = temporary()
  const config = packagesTo(`file:${folder}`)
  const study = makeStudy({ objects: 4, series: 2 })
  await send(['--config', config], [study.record])
  const again = await send(['--config', config], [study.record])
  t.match(again.records, [{ status: 'sent', instances: { sent: 0, sentBefore: 4 } }])
  const before = readFileSync(join(folder, `${nameOf(study, 2)}.tgz`))
  const [uid, sopUID] = [uidOf(study), `${uidOf(study)}.1.99`]
  const image = ctImage({ studyUID: uid, seriesUID: `${uid}.1`, sopUID, instanceNumber: 99 })
  write(join(study.path, `${uid}.1`, `${sopUID}.dcm`), image)
  const later = studyIn(study.path, uid, 'S001', { fields: { revision: 2 } })
  const sent = await send(['--config', config], [later.record])
  t.match(sent.records, [{ status: 'sent', instances: { sent: 3, sentBefore: 2, failed: 0 } }])
  const list = execFileSync('tar', ['-tzf', join(folder, `${nameOf(study, 1)}.tgz`)]).toString()
  t.equal(list.trim().split('\n').length, 3)
  t.match(
    execFileSync('md5sum', ['-c', `${nameOf(study, 1)}.md5sum`], { cwd: folder }).toString(),
    /: OK/,
  )
  t.ok(readFileSync(join(folder, `${nameOf(study, 2)}.tgz`)).equals(before))
})

t.test('one object that cannot be read is told of, and its series goes without it', async (t) => {
  const folder = temporary()
  const study = makeStudy({ objects: 3 })
  writeFileSync(study.files[1] ?? '', 'no DICOM')
  const sent = await send(['--config', packagesTo(`file:${folder}`)], [study.record])
  t.equal(sent.code, 1)
  t.match(sent.records[0], { status: 'partial', instances: { sent: 2, failed: 1 } })
  const summary = JSON.parse(
    readFileSync(join(folder, `${nameOf(study, 1)}.json`), 'utf8'),
  ) as object
  t.match(summary, { NumFiles: '2' })
})

t.test('an object in the folder of another series is in no package', async (t) => {
  const folder = temporary()
  const study = makeStudy({ objects: 4, series: 2 })
  const [first = ''] = study.files
  const other = first.replace(`/${uidOf(study)}.1/`, `/${uidOf(study)}.2/`)
  renameSync(first, other)
  const sent = await send(['--config', packagesTo(`file:${folder}`)], [study.record])
  t.equal(sent.code, 1)
  t.match(sent.records[0], { status: 'partial', instances: { sent: 3, failed: 1 } })
  t.match(sent.records[0]?.['failures'], [{ code: 'E_FOREIGN_OBJECT' }])
})

t.test('over SFTP: verified is what the server says it has', { skip }, async (t) => {
  const folder = join(server?.folder ?? '', 'answers')
  const retry = { max: 1000, delaySeconds: 0.05, multiplier: 1 }
  const more = { ...server?.files, verify: 'find', retry }
  const config = packagesTo(`${server?.url ?? ''}/answers`, more)
  const study = makeStudy({ objects: 4, series: 2 })
  const sending = new Sending(['--config', config])
  sending.write(study.record)
  for (const series of [1, 2]) {
    const name = nameOf(study, series)
    await until(() => existsSync(join(folder, `${name}.md5sum`)), sending)
    answer(folder, name)
  }
  const transfer = await sending.until(({ type }) => type === 'transfer')
  t.match(transfer, { status: 'sent', instances: { sent: 4, failed: 0 }, verified: true })
  sending.child.stdin?.end()
  t.equal(await sending.exit, 0, sending.stderr)
})

t.test('a folder that the server could not make is made by the next try', { skip }, async (t) => {
  const blocking = join(server?.folder ?? '', 'blocked')
  writeFileSync(blocking, 'a file where a folder should be')
  const there = destinationAt(`${server?.url ?? ''}/blocked/packages`, server?.files)
  const place = placeOf(there, new Throttle(undefined))
  t.teardown(() => place?.rest())
  const path = join(temporary(), 'a.tgz')
  writeFileSync(path, 'a package')
  const put = async (): Promise<void> => place?.put(path, 'a.tgz', new AbortController().signal)
  await t.rejects(put(), { code: 'E_SFTP', retryable: true })
  rmSync(blocking)
  await put()
  t.equal(readFileSync(join(blocking, 'packages', 'a.tgz'), 'utf8'), 'a package')
})

t.test('another answer than ours: the package goes again, whole', { skip }, async (t) => {
  const folder = join(server?.folder ?? '', 'other')
  mkdirSync(folder)
  const retry = { max: 1000, delaySeconds: 0.05, multiplier: 1 }
  const more = { ...server?.files, verify: 'find', retry }
  const config = packagesTo(`${server?.url ?? ''}/other`, more)
  const study = makeStudy({ objects: 2 })
  const name = nameOf(study, 1)
  const sending = new Sending(['--config', config])
  sending.write(study.record)
  await until(() => existsSync(join(folder, `${name}.md5sum`)), sending)
  // What lies there was spoiled, and the server says so.
  writeFileSync(join(folder, `${name}.tgz`), 'spoiled')
  answer(folder, name)
  await until(() => readFileSync(join(folder, `${name}.tgz`)).length > 100, sending)
  // Its answers as the original's servers give them: all in one file.
  const answers = temporary()
  const sum = execFileSync('md5sum', ['-b', `${name}.tgz`], { cwd: folder }).toString()
  writeFileSync(join(answers, `${name}.md5sum_server`), sum)
  writeFileSync(join(answers, `${name}9.md5sum_server`), `${'0'.repeat(32)} *${name}9.tgz\n`)
  execFileSync('tar', ['-cf', join(folder, '.cache'), '-C', answers, '.'])
  renameSync(join(folder, '.cache'), join(folder, 'md5server_cache.tar'))
  renameSync(join(folder, `${name}.md5sum_server`), join(folder, 'old-answer'))
  const transfer = await sending.until(({ type }) => type === 'transfer')
  t.match(transfer, { status: 'sent', instances: { failed: 0 }, verified: true })
  sending.child.stdin?.end()
  t.equal(await sending.exit, 0, sending.stderr)
})

t.test('a server that never answers: sent, and not verified', { skip }, async (t) => {
  const retry = { max: 2, delaySeconds: 0.05, multiplier: 1 }
  const more = { ...server?.files, verify: 'find', retry }
  const config = packagesTo(`${server?.url ?? ''}/silent`, more)
  // What it calls its answers is no tar file, but what some think one could be.
  mkdirSync(join(server?.folder ?? '', 'silent'))
  const magic = Buffer.from('28b52ffd00000000', 'hex')
  writeFileSync(join(server?.folder ?? '', 'silent', 'md5server_cache.tar'), magic)
  const sent = await send(['--config', config], [makeStudy({ objects: 2 }).record])
  t.equal(sent.code, 1)
  t.match(sent.records, [
    { type: 'transfer', status: 'sent', instances: { sent: 2, failed: 0 }, verified: false },
    { type: 'error', code: 'E_NOT_VERIFIED' },
  ])
})

t.test('kill -9 at any point: the next run ends with every package whole', { skip }, async (t) => {
  for (const point of ['sftp.renamed', 'ledger.added']) {
    const folder = join(server?.folder ?? '', point)
    const config = packagesTo(`${server?.url ?? ''}/${point}`, { ...server?.files })
    const study = makeStudy({ objects: 4, series: 2 })
    const killed = await send(['--config', config], [study.record], { FIONA_FAULT_POINT: point })
    t.equal(killed.code, null, `${point}: ${killed.stderr}`)
    const sent = await send(['--config', config], [])
    t.match(sent.records, [{ type: 'transfer', status: 'sent', instances: { failed: 0 } }])
    for (const series of [1, 2]) {
      const sums = `${nameOf(study, series)}.md5sum`
      t.match(execFileSync('md5sum', ['-c', sums], { cwd: folder }).toString(), /: OK/)
    }
    t.equal(readdirSync(folder).length, 6, point)
  }
})

t.test('packages go as files only', async (t) => {
  const sent = await send(['--config', packagesTo('dicom://A@127.0.0.1:104')], [])
  t.equal(sent.code, 78)
  t.match(sent.stderr, /packages go as files/)
})
