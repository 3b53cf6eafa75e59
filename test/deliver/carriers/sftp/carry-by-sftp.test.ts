import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { SftpCarrier } from '../../../../src/lib/deliver/carriers/sftp/carry-by-sftp.ts'
import type { SftpTarget } from '../../../../src/lib/deliver/destination.ts'
import { Throttle } from '../../../../src/lib/deliver/throttle.ts'
import { mayMount, mountSmallDisk, resizeDisk } from '../../../fixtures/mounts.ts'
import { freePort, missing } from '../../../fixtures/peers.ts'
import { configuration, filesBelow, send } from '../../sending.ts'
import { makeStudy, temporary, type Study } from '../../studies.ts'
import { Told, destinationAt, objectsOf } from '../waybill.ts'
import { SshServer, makeKey, publicKey } from './ssh-server.ts'

const skip = missing('sshd', 'ssh-keygen')
const server = skip === false ? await SshServer.start() : undefined
t.teardown(() => server?.die())

function carrierTo(
  t: Test,
  more: object = {},
  url = server?.url ?? '',
  throttle = new Throttle(undefined),
): SftpCarrier {
  const destination = destinationAt(url, { ...server?.files, timeoutSeconds: 20, ...more })
  const target = destination.target as SftpTarget
  const carrier = new SftpCarrier(destination, target, throttle)
  t.teardown(() => carrier.rest())
  return carrier
}

const placesOf = ({ files, record }: Study): string[] =>
  files.map((file) =>
    join(server?.folder ?? '', String(record['participant']), file.split('/').slice(-3).join('/')),
  )

t.test('the tool brings a study under safe names, and nothing but it', { skip }, async (t) => {
  const study = makeStudy({ objects: 5, series: 2, participant: 'S 1/..' })
  const config = configuration({
    dataDir: temporary(),
    projects: { ABCD: { destinations: ['ssh'] } },
    destinations: { ssh: { url: server?.url, ...server?.files, retry: { max: 0 } } },
  })
  const sent = await send(['--config', config], [study.record])
  t.match(sent.records, [{ status: 'sent', instances: { sent: 5, failed: 0 } }], sent.stderr)
  const there = filesBelow(join(server?.folder ?? '', 'S 1%2F..'))
  t.equal(there.length, 5)
  for (const [index, path] of there.entries()) {
    t.ok(readFileSync(path).equals(readFileSync(study.files[index] ?? '')))
  }
})

t.test(
  'equal bytes count as delivered; others stay, unless a later revision comes',
  { skip },
  async (t) => {
    const study = makeStudy({ objects: 3, participant: 'S2' })
    const [same = '', other = ''] = placesOf(study)
    mkdirSync(dirname(same), { recursive: true })
    copyFileSync(study.files[0] ?? '', same)
    writeFileSync(other, 'what somebody else put there')
    const objects = await objectsOf(study)
    const told = new Told({ participant: 'S2' })
    await carrierTo(t).carry(objects, told)
    t.equal(told.arrivals.length, 2)
    t.match([...told.failures], [[objects[1]?.SOPInstanceUID, { code: 'E_CONFLICT' }]])
    t.equal(readFileSync(other, 'utf8'), 'what somebody else put there')
    const later = new Told({ participant: 'S2', revision: 2 })
    await carrierTo(t).carry(objects, later)
    t.equal(later.arrivals.length, 3)
    t.ok(readFileSync(other).equals(readFileSync(study.files[1] ?? '')))
  },
)

t.test(
  'a part that is the beginning of the file is gone on with; another is not',
  { skip },
  async (t) => {
    for (const isSame of [true, false]) {
      const participant = `part-${String(isSame)}`
      const study = makeStudy({ objects: 1, rows: 1200, participant })
      const [place = ''] = placesOf(study)
      const bytes = readFileSync(study.files[0] ?? '')
      const half = Buffer.from(bytes.subarray(0, 1_500_000))
      if (!isSame) half[1_000_000] = (half[1_000_000] ?? 0) ^ 1
      const part = join(dirname(place), `.${place.split('/').at(-1) ?? ''}.part`)
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(part, half)
      const { ino } = statSync(part)
      const told = new Told({ participant })
      await carrierTo(t).carry(await objectsOf(study), told)
      t.ok(readFileSync(place).equals(bytes))
      t.equal(statSync(place).ino, ino)
      t.notOk(existsSync(part))
    }
  },
)

t.test('a server that dies in the middle: the next try brings the rest', { skip }, async (t) => {
  const study = makeStudy({ objects: 6, rows: 900, participant: 'dies' })
  const objects = await objectsOf(study)
  const carrier = carrierTo(t, { concurrency: 1 })
  const told = new Told({ participant: 'dies' })
  const arrived = told.arrived.bind(told)
  told.arrived = (object, sha256) => {
    arrived(object, sha256)
    if (told.arrivals.length === 2) void server?.die()
  }
  await t.rejects(carrier.carry(objects, told), { code: 'E_SSH_LOST', retryable: true })
  t.ok(told.arrivals.length < 6)
  await t.rejects(carrier.carry(objects, new Told()), { code: 'E_CONNECT', retryable: true })
  await server?.up()
  const again = new Told({ participant: 'dies' })
  await carrier.carry(objects, again)
  t.equal(again.arrivals.length, 6)
  for (const [index, place] of placesOf(study).entries()) {
    t.ok(readFileSync(place).equals(readFileSync(study.files[index] ?? '')))
  }
})

t.test('who the server is, is known or nothing is sent', { skip }, async (t) => {
  const study = makeStudy({ objects: 1, participant: 'nobody' })
  const objects = await objectsOf(study)
  const knownHostsFile = join(temporary(), 'known_hosts')
  const other = join(temporary(), 'other')
  makeKey(other)
  const address = `[127.0.0.1]:${String(server?.port)}`
  const ours = readFileSync(server?.knownHostsFile ?? '', 'utf8').trim()
  for (const [content, words] of [
    ['# nothing\n', /is not in .*SHA256:/],
    [`${address} ${publicKey(other)}\n`, /shows another key/],
    [`${ours}\n@revoked ${ours}\n`, /marks as revoked/],
    [`*,!${ours}\n`, /is not in/],
  ] as const) {
    writeFileSync(knownHostsFile, content)
    await t.rejects(carrierTo(t, { knownHostsFile }).carry(objects, new Told()), {
      code: 'E_HOST_KEY',
      retryable: false,
      message: words,
    })
  }
  t.notOk(existsSync(join(server?.folder ?? '', 'nobody')))
})

t.test(
  'a key that is not let in, one with a passphrase, and what is no key',
  { skip },
  async (t) => {
    const objects = await objectsOf(makeStudy({ objects: 1, participant: 'keys' }))
    const stranger = join(temporary(), 'key')
    makeKey(stranger)
    await t.rejects(carrierTo(t, { privateKeyFile: stranger }).carry(objects, new Told()), {
      code: 'E_SSH_LOGIN',
      retryable: false,
    })
    const locked = join(temporary(), 'key')
    makeKey(locked, 'open sesame')
    await t.rejects(carrierTo(t, { privateKeyFile: locked }).carry(objects, new Told()), {
      code: 'E_SECRET',
      hint: /passphraseFile/,
    })
    const passphraseFile = join(temporary(), 'passphrase')
    writeFileSync(passphraseFile, 'open sesame\n', { mode: 0o600 })
    const opened = carrierTo(t, { privateKeyFile: locked, passphraseFile })
    await t.rejects(opened.carry(objects, new Told()), { code: 'E_SSH_LOGIN' }, 'it was opened')
  },
)

t.test('silence, and what is no SSH server', { skip }, async (t) => {
  const objects = await objectsOf(makeStudy({ objects: 1 }))
  const mute = createServer((socket) => socket.on('error', () => undefined))
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  t.teardown(() => mute.close())
  const at = (port: number) => `sftp://fiona@127.0.0.1:${String(port)}/x`
  const { port } = mute.address() as AddressInfo
  await t.rejects(carrierTo(t, { timeoutSeconds: 0.3 }, at(port)).carry(objects, new Told()), {
    code: 'E_TIMEOUT',
    retryable: true,
  })
  await t.rejects(carrierTo(t, {}, at(await freePort())).carry(objects, new Told()), {
    code: 'E_CONNECT',
    retryable: true,
  })
})

t.test(
  'no room there: the object waits with the reason, nothing of it is left, and small ones go',
  { skip: skip === false ? mayMount() : skip },
  async (t) => {
    const there = join(server?.folder ?? '', 'small disk')
    mkdirSync(there)
    t.teardown(mountSmallDisk(there, 2))
    const url = `${server?.url ?? ''}/small%20disk`
    const carrier = carrierTo(t, { concurrency: 1 }, url)
    const [large, small] = [1200, 200].map((rows) =>
      makeStudy({ objects: 1, rows, participant: 'room' }),
    )
    if (large === undefined || small === undefined) throw new Error('two studies')
    const told = new Told({ participant: 'room' })
    await t.rejects(carrier.carry(await objectsOf(large), told), {
      code: 'E_SFTP',
      retryable: true,
      hint: /is there space/,
    })
    t.equal(told.arrivals.length, 0)
    t.same(filesBelow(there), [], 'nothing under its name, and the part gives its room back')
    await carrier.carry(await objectsOf(small), told)
    t.equal(told.arrivals.length, 1, 'which is enough for a small one')
    resizeDisk(there, 8)
    await carrier.carry(await objectsOf(large), told)
    t.equal(told.arrivals.length, 2)
    const sizes = filesBelow(there).map((path) => statSync(path).size)
    t.same(
      new Set(sizes),
      new Set([large, small].map(({ files: [path = ''] }) => statSync(path).size)),
    )
  },
)

t.test(
  'a server that stands still: the try ends in time, and the next goes on',
  { skip },
  async (t) => {
    const study = makeStudy({ objects: 1, rows: 2000, participant: 'stuck' })
    const objects = await objectsOf(study)
    const [place = ''] = placesOf(study)
    const part = join(dirname(place), `.${place.split('/').at(-1) ?? ''}.part`)
    // Slow enough to be met in the middle.
    const carrier = carrierTo(t, { timeoutSeconds: 3 }, undefined, new Throttle(20))
    const trying = carrier.carry(objects, new Told({ participant: 'stuck' }))
    let isOver = false
    const over = () => {
      isOver = true
    }
    trying.then(over, over)
    const isInTheMiddle = () => existsSync(part) && statSync(part).size > 2_000_000
    while (!isOver && !isInTheMiddle()) await setImmediate()
    const goOn = server?.stall()
    try {
      await t.rejects(trying, { code: 'E_TIMEOUT', retryable: true })
    } finally {
      goOn?.()
    }
    t.notOk(existsSync(place), 'nothing under its name')
    const { ino } = statSync(part)
    const told = new Told({ participant: 'stuck' })
    await carrierTo(t).carry(objects, told)
    t.equal(told.arrivals.length, 1)
    t.equal(statSync(place).ino, ino, 'the part was gone on with')
    t.ok(readFileSync(place).equals(readFileSync(study.files[0] ?? '')))
  },
)

t.test('where nothing can be written', { skip }, async (t) => {
  const study = makeStudy({ objects: 2, participant: 'taken' })
  writeFileSync(join(server?.folder ?? '', 'taken'), 'a file where a folder should be')
  await t.rejects(carrierTo(t).carry(await objectsOf(study), new Told({ participant: 'taken' })), {
    code: 'E_SFTP',
    retryable: true,
  })
})

t.test(
  'kill -9 at any point: the next run ends with every file whole, once',
  { skip },
  async (t) => {
    const points = ['sftp.part-opened', 'sftp.part-written', 'sftp.part-synced', 'sftp.renamed']
    for (const point of points) {
      const study = makeStudy({ objects: 2, participant: point })
      const config = configuration({
        dataDir: temporary(),
        projects: { ABCD: { destinations: ['ssh'] } },
        destinations: { ssh: { url: server?.url, ...server?.files, retry: { max: 0 } } },
      })
      const killed = await send(['--config', config], [study.record], { FIONA_FAULT_POINT: point })
      t.equal(killed.code, null, `${point}: ${killed.stderr}`)
      const sent = await send(['--config', config], [])
      t.match(sent.records, [{ type: 'transfer', status: 'sent', instances: { failed: 0 } }])
      const there = filesBelow(join(server?.folder ?? '', point))
      t.same(there, placesOf(study))
      for (const [index, path] of there.entries()) {
        t.ok(readFileSync(path).equals(readFileSync(study.files[index] ?? '')))
      }
    }
  },
)
