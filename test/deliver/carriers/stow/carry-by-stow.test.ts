import { chmodSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { StowCarrier } from '../../../../src/lib/deliver/carriers/stow/carry-by-stow.ts'
import type { WebTarget } from '../../../../src/lib/deliver/destination.ts'
import { Throttle } from '../../../../src/lib/deliver/throttle.ts'
import type { FionaError } from '../../../../src/lib/error/index.ts'
import { freePort, missing, run } from '../../../fixtures/peers.ts'
import { configuration, send } from '../../sending.ts'
import { makeStudy, temporary } from '../../studies.ts'
import { Told, destinationAt, objectsOf } from '../waybill.ts'
import { type Behave, WebPeer } from './web-peer.ts'

const log = pino({ level: 'silent' })

async function service(t: Test, behave: Behave, early = false): Promise<WebPeer> {
  const peer = await WebPeer.listen(behave, { early })
  t.teardown(() => peer.close())
  return peer
}

/** One service, and a carrier to it that is at rest when the test ends. */
async function carrierTo(t: Test, url: string, more: object = {}): Promise<StowCarrier> {
  const destination = destinationAt(url, { concurrency: 1, timeoutSeconds: 5, ...more })
  const target = destination.target as WebTarget
  const carrier = new StowCarrier(destination, target, new Throttle(undefined), log)
  t.teardown(() => carrier.rest())
  return carrier
}

/** A service that tells of each object what the test says. */
async function telling(
  t: Test,
  how: (uid: string) => number | undefined = () => undefined,
): Promise<WebPeer> {
  const peer: WebPeer = await service(t, (_, posted, answer) => {
    peer.tell(posted, answer, how)
  })
  return peer
}

const uidsOf = (objects: readonly { SOPInstanceUID: string }[]) =>
  objects.map(({ SOPInstanceUID }) => SOPInstanceUID)

t.test('files go as they are, in batches, over one connection that is kept', async (t) => {
  const peer = await telling(t)
  const carrier = await carrierTo(t, peer.url, { batch: { objects: 4, bytes: 1 << 20 } })
  const study = makeStudy({ objects: 10, rows: 400 })
  const objects = await objectsOf(study)
  const told = new Told()
  await carrier.carry(objects, told)
  t.same(new Set(told.arrivals), new Set(uidsOf(objects)))
  t.ok(peer.posted.length >= 4, 'limited by count and by bytes')
  for (const { objects: together, url, headers } of peer.posted) {
    t.ok(together.size <= 4)
    t.equal(url, '/web/studies')
    t.match(headers['content-type'], /^multipart\/related; type="application\/dicom"; boundary=/)
  }
  t.equal(peer.connections, 1)
  for (const { path, SOPInstanceUID } of objects) {
    t.ok(peer.stored.get(SOPInstanceUID)?.equals(readFileSync(path)))
  }
})

t.test(
  'each object has the answer that names it: stored, refused for now, refused for good',
  async (t) => {
    const objects = await objectsOf(makeStudy({ objects: 4 }))
    const [first = '', second = ''] = uidsOf(objects)
    const reasons = new Map([
      [first, 0xa700],
      [second, 0xa900],
    ])
    const peer = await telling(t, (uid) => reasons.get(uid))
    const told = new Told()
    await (await carrierTo(t, peer.url)).carry(objects, told)
    t.equal(told.arrivals.length, 2)
    t.match(told.failures.get(first), { code: 'E_REFUSED', retryable: true, message: /0xA700/ })
    t.match(told.failures.get(second), { code: 'E_REFUSED', retryable: false, message: /0xA900/ })
  },
)

t.test(
  'an object that the answer does not name has not arrived, whatever the status',
  async (t) => {
    const objects = await objectsOf(makeStudy({ objects: 2 }))
    const peer: WebPeer = await service(t, (_, posted, answer) => {
      const [one] = posted.objects
      peer.tell({ ...posted, objects: new Map([one ?? ['', Buffer.of()]]) }, answer)
    })
    const told = new Told()
    await (await carrierTo(t, peer.url)).carry(objects, told)
    t.equal(told.arrivals.length, 1)
    t.match([...told.failures.values()], [{ code: 'E_NOT_TOLD', retryable: true }])
  },
)

t.test('an answer that is no answer of DICOM proves nothing', async (t) => {
  for (const [type, body] of [
    ['text/html', '<html>Welcome, please log in</html>'],
    ['application/dicom+json', ''],
    ['application/dicom+json', '{"00081199":'],
    ['application/dicom+json', '[[[]]]'],
    ['application/dicom+xml', '<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>'],
    ['', ''],
  ] as const) {
    const peer = await service(t, (_, __, answer) => {
      answer.writeHead(200, type === '' ? {} : { 'Content-Type': type })
      answer.end(body)
    })
    const told = new Told()
    const carrier = await carrierTo(t, peer.url)
    await t.rejects(carrier.carry(await objectsOf(makeStudy()), told), {
      code: 'E_NOT_TOLD',
      retryable: true,
    })
    t.same(told.arrivals, [])
  }
})

t.test('the status says whether, and when, another try makes sense', async (t) => {
  for (const [status, headers, expected] of [
    [401, {}, { code: 'E_WEB_NOT_ALLOWED', retryable: false, hint: /tokenFile/ }],
    [403, {}, { code: 'E_WEB_NOT_ALLOWED', retryable: false }],
    [404, {}, { code: 'E_WEB_STATUS', retryable: false, hint: /DICOMweb root/ }],
    [429, { 'Retry-After': '120' }, { retryable: true, retryAfterSeconds: 120 }],
    [503, { 'Retry-After': 'soon' }, { retryable: true, retryAfterSeconds: undefined }],
    [503, { 'Retry-After': '999999999' }, { retryAfterSeconds: 86_400 }],
    [500, {}, { code: 'E_WEB_STATUS', retryable: true }],
    [501, {}, { code: 'E_WEB_STATUS', retryable: false }],
    [
      307,
      { Location: 'https://elsewhere.example/?token=s3cret' },
      { code: 'E_WEB_REDIRECT', retryable: false, message: /https:\/\/elsewhere\.example\)/ },
    ],
  ] as const) {
    const peer = await service(t, (_, __, answer) => {
      answer.writeHead(status, headers)
      answer.end('<html>no</html>')
    })
    const carrier = await carrierTo(t, peer.url)
    const objects = await objectsOf(makeStudy({ objects: 1 }))
    const error: unknown = await carrier.carry(objects, new Told()).catch((why: unknown) => why)
    t.match(error, expected, String(status))
    t.equal(peer.posted.length, 1)
  }
})

t.test('413: smaller batches, also later; what is too large alone is told so', async (t) => {
  const limit = 200_000
  const peer: WebPeer = await service(t, (_, posted, answer) => {
    if (Number(posted.headers['content-length']) <= limit) peer.tell(posted, answer)
    else answer.writeHead(413).end()
  })
  const carrier = await carrierTo(t, peer.url)
  const small = await objectsOf(makeStudy({ objects: 12, rows: 200 }))
  const large = await objectsOf(makeStudy({ objects: 1, rows: 400 }))
  const told = new Told()
  await carrier.carry([...small, ...large], told)
  t.same(new Set(told.arrivals), new Set(uidsOf(small)))
  t.match(
    [...told.failures],
    [[large[0]?.SOPInstanceUID, { code: 'E_REFUSED', retryable: false, hint: /limits the size/ }]],
  )
  const before = peer.posted.length
  await carrier.carry(small, told)
  t.ok(
    peer.posted.slice(before).every(({ headers }) => Number(headers['content-length']) <= limit),
    'it knows by now',
  )
})

t.test('one object that spoils the request does not take the others with it', async (t) => {
  const objects = await objectsOf(makeStudy({ objects: 9 }))
  const bad = objects[5]?.SOPInstanceUID ?? ''
  for (const status of [400, 409, 415]) {
    const peer: WebPeer = await service(t, (_, posted, answer) => {
      if (posted.objects.has(bad)) answer.writeHead(status).end()
      else peer.tell(posted, answer)
    })
    const told = new Told()
    await (await carrierTo(t, peer.url)).carry(objects, told)
    t.equal(told.arrivals.length, 8)
    t.match([...told.failures], [[bad, { code: 'E_REFUSED', retryable: false }]])
  }
})

t.test('an object that the service always dies of is found out within some tries', async (t) => {
  const objects = await objectsOf(makeStudy({ objects: 8 }))
  const bad = objects[2]?.SOPInstanceUID ?? ''
  const peer: WebPeer = await service(t, (_, posted, answer) => {
    if (posted.objects.has(bad)) answer.socket?.resetAndDestroy()
    else peer.tell(posted, answer)
  })
  const carrier = await carrierTo(t, peer.url)
  const arrived = new Set<string>()
  let rest = objects
  for (let tries = 0; tries < 5 && rest.length > 1; tries++) {
    const told = new Told()
    await t.rejects(carrier.carry(rest, told), { code: 'E_WEB_LOST', retryable: true })
    for (const uid of told.arrivals) arrived.add(uid)
    const isSuspect = ({ SOPInstanceUID }: { SOPInstanceUID: string }) =>
      told.suspects.has(SOPInstanceUID)
    rest = rest.filter(({ SOPInstanceUID }) => !arrived.has(SOPInstanceUID))
    rest = [...rest.filter((one) => !isSuspect(one)), ...rest.filter(isSuspect)]
  }
  t.same(uidsOf(rest), [bad])
})

t.test('a service that answers and hangs up before it has read all is heard', async (t) => {
  const peer = await service(
    t,
    (_, __, answer) => {
      answer.writeHead(403, { Connection: 'close' })
      answer.end()
    },
    true,
  )
  const carrier = await carrierTo(t, peer.url)
  const objects = await objectsOf(makeStudy({ objects: 4, rows: 800 }))
  await t.rejects(carrier.carry(objects, new Told()), { code: 'E_WEB_NOT_ALLOWED' })
})

t.test('a lost answer: what is sent again is harmless', async (t) => {
  const peer: WebPeer = await service(t, (number, posted, answer) => {
    if (number > 1) peer.tell(posted, answer)
    else answer.socket?.destroy()
  })
  const carrier = await carrierTo(t, peer.url)
  const objects = await objectsOf(makeStudy({ objects: 3 }))
  await t.rejects(carrier.carry(objects, new Told()), { code: 'E_WEB_LOST', retryable: true })
  const told = new Told()
  await carrier.carry(objects, told)
  t.equal(told.arrivals.length, 3)
})

t.test('a kept connection that the service had closed meanwhile is not a failure', async (t) => {
  const peer: WebPeer = await service(t, (number, posted, answer) => {
    if (number === 2) answer.socket?.resetAndDestroy()
    else peer.tell(posted, answer)
  })
  const carrier = await carrierTo(t, peer.url)
  const objects = await objectsOf(makeStudy({ objects: 2 }))
  const told = new Told()
  await carrier.carry(objects.slice(0, 1), told)
  await carrier.carry(objects.slice(1), told)
  t.equal(told.arrivals.length, 2)
})

t.test('silence, an endless answer and no HTTP at all come to an end', async (t) => {
  const timeoutSeconds = 0.3
  const objects = await objectsOf(makeStudy({ objects: 1 }))
  const silent = await service(t, () => undefined)
  await t.rejects((await carrierTo(t, silent.url, { timeoutSeconds })).carry(objects, new Told()), {
    code: 'E_TIMEOUT',
    message: /no answer within/,
    retryable: true,
  })
  const dripping = await service(t, (_, __, answer) => {
    answer.writeHead(200, { 'Content-Type': 'application/dicom+json' })
    const timer = setInterval(() => answer.write(' '), 20)
    answer.on('close', () => {
      clearInterval(timer)
    })
  })
  await t.rejects(
    (await carrierTo(t, dripping.url, { timeoutSeconds })).carry(objects, new Told()),
    { code: 'E_TIMEOUT', message: /did not end/ },
  )
  const endless = await service(t, (_, __, answer) => {
    answer.writeHead(200, { 'Content-Type': 'application/dicom+json' })
    const more = (): void => {
      while (!answer.destroyed && answer.write(Buffer.alloc(1 << 16, 0x20)));
      answer.once('drain', more)
    }
    more()
  })
  await t.rejects((await carrierTo(t, endless.url)).carry(objects, new Told()), {
    code: 'E_WEB_PROTOCOL',
  })
  const url = `http://127.0.0.1:${String(await freePort())}/web`
  await t.rejects((await carrierTo(t, url)).carry(objects, new Told()), { code: 'E_CONNECT' })
})

t.test('a file that was changed meanwhile fails alone', async (t) => {
  const peer = await telling(t)
  const study = makeStudy({ objects: 5 })
  const objects = await objectsOf(study)
  truncateSync(study.files[2] ?? '', 400)
  const told = new Told()
  await (await carrierTo(t, peer.url)).carry(objects, told)
  t.equal(told.arrivals.length, 4)
  t.match([...told.failures.values()], [{ code: 'E_FILE_READ' }])
})

t.test('secrets: from a file that nobody else may read, renewed without a restart', async (t) => {
  const tokenFile = join(temporary(), 'token')
  writeFileSync(tokenFile, 'first\n', { mode: 0o600 })
  const peer = await telling(t)
  const objects = await objectsOf(makeStudy({ objects: 1 }))
  const open = await carrierTo(t, peer.url, { tokenFile })
  chmodSync(tokenFile, 0o644)
  const error = await open.carry(objects, new Told()).catch((why: unknown) => why as FionaError)
  t.match(error, { code: 'E_SECRET', hint: /chmod 600/ })
  const closed = join(temporary(), 'token')
  writeFileSync(closed, 'first', { mode: 0o600 })
  const told = new Told()
  const renewing: WebPeer = await service(t, (number, posted, answer) => {
    if (number === 1) {
      writeFileSync(closed, 'second')
      answer.writeHead(401).end()
    } else {
      t.equal(posted.headers.authorization, 'Bearer second')
      renewing.tell(posted, answer)
    }
  })
  await (await carrierTo(t, renewing.url, { tokenFile: closed })).carry(objects, told)
  t.equal(told.arrivals.length, 1)
  const passwordFile = join(temporary(), 'password')
  writeFileSync(passwordFile, 'fiona:geheim\n', { mode: 0o600 })
  const basic = await telling(t)
  await (await carrierTo(t, basic.url, { passwordFile })).carry(objects, new Told())
  t.equal(basic.posted[0]?.headers.authorization, 'Basic ZmlvbmE6Z2VoZWlt')
})

t.test('kill -9 behind the answer: the next run sends again, which is harmless', async (t) => {
  const peer = await telling(t)
  const study = makeStudy({ objects: 4 })
  const config = configuration({
    dataDir: temporary(),
    projects: { ABCD: { destinations: ['web'] } },
    destinations: { web: { url: peer.url, concurrency: 1, batch: { objects: 2 } } },
  })
  const env = { FIONA_FAULT_POINT: 'stow.answered:2' }
  t.equal((await send(['--config', config], [study.record], env)).code, null)
  t.equal(peer.stored.size, 4)
  const again = await send(['--config', config], [])
  t.match(again.records, [{ status: 'sent', instances: { sent: 2, failed: 0, sentBefore: 2 } }])
  t.equal(peer.posted.length, 3)
})

t.test(
  'TLS: the service must be who its certificate says, now',
  { skip: missing('openssl', 'faketime') },
  async (t) => {
    const made = await makeCertificates()
    const objects = await objectsOf(makeStudy({ objects: 1 }))
    for (const [pair, caFile, code] of [
      [made.good, made.good.cert, undefined],
      [made.good, undefined, 'E_TLS'],
      [made.expired, made.expired.cert, 'E_TLS'],
    ] as const) {
      const tls = { key: readFileSync(pair.key), cert: readFileSync(pair.cert) }
      const peer: WebPeer = await WebPeer.listen(
        (_, posted, answer) => {
          peer.tell(posted, answer)
        },
        { tls },
      )
      t.teardown(() => peer.close())
      const url = `https://localhost:${String(peer.port)}/web`
      const told = new Told()
      const carrier = await carrierTo(t, url, { caFile })
      const error: unknown = await carrier.carry(objects, told).catch((why: unknown) => why)
      if (code === undefined) t.equal(told.arrivals.length, 1)
      else t.match(error, { code, retryable: true, hint: /certificates/ })
    }
  },
)

/** One that is right, and one that ran out yesterday. */
async function makeCertificates() {
  const directory = temporary()
  const make = async (name: string, when: string): Promise<{ key: string; cert: string }> => {
    const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const done = await run('faketime', [
      ...['-f', when, 'openssl', 'req', '-x509', '-days', '5', ...curve],
      ...['-keyout', key, '-out', cert, ...subject],
    ])
    if (done.code !== 0) throw new Error(done.stderr)
    return { key, cert }
  }
  return { good: await make('good', '-1d'), expired: await make('expired', '-10d') }
}
