// What persons ask fiona-send about deliveries, and what they decide: with the program itself, and a real storescp.
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { Sending, filesBelow, send } from '../deliver/sending.ts'
import { makeStudy, temporary } from '../deliver/studies.ts'
import { encodeControlPdu, PduType } from '../../src/lib/dimse/index.ts'
import { StoragePeer } from '../dimse/storage-peer.ts'
import { missing, run, start } from '../fixtures/peers.ts'
import { Site, isError, isMark, isTransfer, mark, requestOf } from './send-site.ts'

const noStorescp = { skip: missing('storescp') }

t.test('down and back: status and explain say so, retry brings it now', noStorescp, async (t) => {
  const site = await Site.make()
  const study = makeStudy({ objects: 4 })
  const sending = await site.runs(t, [study])
  while (!sending.stderr.includes('E_CONNECT')) await once(sending.child.stderr ?? t, 'data')
  // What a lane says is on disk a moment later.
  let status = await site.status()
  while (status['state'] !== 'down') status = await site.status()
  t.match(status, {
    destination: 'pacs',
    lastError: { code: 'E_CONNECT' },
    since: /Z$/,
    nextTryAt: /Z$/,
    waiting: { studies: 1, objects: 4, held: 0 },
    today: { studies: 0, objects: 0 },
  })
  const why = await site.explain(requestOf(study))
  t.match(why, { why: /does not answer since .*E_CONNECT/, nextTryAt: /Z$/, attempts: 1 })
  t.equal((why['instances'] as AnyRecord[]).filter(({ state }) => state === 'waiting').length, 4)
  t.match(await site.explain(String(study.record['StudyInstanceUID'])), { why: why['why'] })

  const ofTheSite = await run('fiona-ctl', ['status', '--json', '--config', site.config], {
    env: { FIONA_STAGE: '' },
  })
  t.match(JSON.parse(ofTheSite.stdout), {
    ok: false,
    deliveries: [{ destination: 'pacs', state: 'down', studies: 1, lastError: /E_CONNECT/ }],
  })
  t.match(ofTheSite.stdout, /"pacs does not answer since [^"]*\(studies waiting: 1\)/)

  const into = temporary()
  const scp = start('storescp', ['-v', '-aet', 'SCP', '-od', into, String(site.port)])
  t.teardown(() => scp.kill())
  await isListening(site.port)
  t.match(await site.ask('retry', 'pacs'), { code: 0, stdout: /now: 1/ })
  t.match(await sending.until(isTransfer), { status: 'sent', instances: { sent: 4 } })
  t.equal(filesBelow(into).length, 4)
  sending.child.stdin?.end()
  t.equal(await sending.exit, 0, sending.stderr)
  t.match(await site.status(), { state: 'stopped', today: { studies: 1, objects: 4 } })
  t.match(site.decisions, [{ do: 'retry', destination: 'pacs', outcome: /tried again: 1/ }])
  t.same(site.orders, [])
})

t.test('who is shut out loses no delivery: all wait, visibly, until it is mended', async (t) => {
  const site = await Site.make()
  let isKnown = false
  const reject = encodeControlPdu({
    type: PduType.AssociateReject,
    result: 1,
    source: 1,
    reason: 3,
  })
  const peer = await StoragePeer.listen({
    port: site.port,
    associate: () => (isKnown ? undefined : reject),
  })
  t.teardown(() => peer.close())
  const studies = [makeStudy({ objects: 1 }), makeStudy({ objects: 1 })]
  const sending = await site.runs(t, studies)
  while (!sending.stderr.includes('shut out')) await once(sending.child.stderr ?? t, 'data')
  let status = await site.status()
  while (status['state'] !== 'down') status = await site.status()
  t.match(status, { lastError: { code: 'E_ASSOCIATION_REJECTED' }, waiting: { studies: 2 } })
  t.equal(peer.requests.length, 1, 'one was enough to know')
  isKnown = true
  await site.ask('retry')
  for (const study of studies) t.ok(await sending.until(isTransfer), requestOf(study))
  t.match(sending.said.filter(isTransfer), [{ status: 'sent' }, { status: 'sent' }])
  t.same(sending.said.filter(isError), [])
})

t.test('a hold outlives restarts, and its release lets go on', async (t) => {
  const site = await Site.make()
  const peer = await StoragePeer.listen({ port: site.port })
  t.teardown(() => peer.close())
  const [one, two] = [makeStudy({ objects: 2 }), makeStudy({ objects: 2 })]
  const because = ['--by', 'A. Smith', '--because', 'disk full there']
  t.match(await site.ask('hold', 'pacs', ...because), { code: 0 })
  await site.took(t, one)
  t.equal(peer.distinct.size, 0)
  t.match(await site.explain(requestOf(one)), { why: /A. Smith holds .*: disk full there/ })
  t.match(await site.status(), {
    state: 'stopped',
    held: { by: 'A. Smith', because: 'disk full there' },
    waiting: { studies: 1, held: 1 },
  })
  t.match(await site.ask('hold', requestOf(one)), { code: 0 })
  const sending = await site.runs(t, [two])
  t.equal(peer.distinct.size, 0)
  await site.ask('release', 'pacs')
  t.match(await sending.until(isTransfer), { requestId: requestOf(two) })
  t.equal(peer.distinct.size, 2, 'the other is held for itself')
  await site.ask('release', requestOf(one))
  t.match(await sending.until(isTransfer), { requestId: requestOf(one), status: 'sent' })
  t.match(
    site.decisions.map((one) => [one['do'], one['by'] !== '']),
    [
      ['hold', true],
      ['hold', true],
      ['release', true],
      ['release', true],
    ],
  )
})

t.test('by hand, the end of the input leaves what is held', async (t) => {
  const site = await Site.make()
  await site.ask('hold', 'pacs')
  const input = `${JSON.stringify(makeStudy().record)}\n`
  const done = await run('fiona-send', ['--config', site.config], {
    input,
    env: { FIONA_STAGE: '' },
  })
  t.match(done, { code: 0, stdout: '' })
  t.match((await site.status())['waiting'], { studies: 1, held: 1 })
})

t.test(
  'dropped while none runs, with part of it there: the record says what was sent',
  async (t) => {
    const site = await Site.make()
    const peer = await StoragePeer.listen({
      port: site.port,
      store: (number) => (number === 2 ? 0xa700 : 0),
    })
    const study = makeStudy({ objects: 3 })
    const request = requestOf(study)
    const first = await site.runs(t, [study])
    while (!first.stderr.includes('E_REFUSED')) await once(first.child.stderr ?? t, 'data')
    const { instances } = await site.explain(request)
    const states = (instances as AnyRecord[]).map(({ state }) => String(state)).sort()
    t.same(states, ['refused', 'sent', 'sent'])
    t.match(
      (instances as AnyRecord[]).find(({ state }) => state === 'refused'),
      { code: 'E_REFUSED', message: /A700/i },
    )
    await first.kill('SIGKILL')
    await peer.close()

    const why = ['--by', 'A. Smith', '--because', 'consent withdrawn']
    t.match(await site.ask('drop', request, ...why), { code: 0, stdout: /runs again: 1/ })
    t.match(await site.explain(request), { why: 'A. Smith dropped it' })
    const second = await site.runs(t, [])
    const said = second.said.find(isTransfer) ?? (await second.until(isTransfer))
    t.match(said, { status: 'partial', instances: { sent: 0, sentBefore: 2, failed: 1 } })
    const error = second.said.find(isError) ?? (await second.until(isError))
    t.match(error, { code: 'E_DROPPED', message: /A. Smith ended it: consent withdrawn/ })
    t.match(site.decisions, [
      { do: 'drop', requestId: request, by: 'A. Smith', outcome: /ended: 1/ },
    ])
    t.same(site.orders, [])
    t.match((await site.status())['waiting'], { studies: 0 })
  },
)

t.test('killed between an order and its effect, and behind it: it is done once', async (t) => {
  const site = await Site.make()
  const study = makeStudy({ objects: 2 })
  await site.took(t, study)
  const why = ['--by', 'A. Smith', '--because', 'twice']
  await site.ask('drop', requestOf(study), ...why)
  for (const point of ['waiting.kept', 'order.obeyed']) {
    const dying = new Sending(['--config', site.config], {
      FIONA_STAGE: 'deliver',
      FIONA_FAULT_POINT: point,
    })
    dying.child.stdout?.resume()
    t.equal(await dying.exit, null, `dies at ${point}`)
    t.equal(site.orders.length, 1)
  }
  // Its input, that nobody had confirmed, comes again.
  const last = await site.runs(t, [study])
  t.equal(last.said.filter(isTransfer).length, 1)
  t.match(last.said.filter(isError), [{ code: 'E_DROPPED' }])
  last.write(mark(2, 1))
  last.write(mark(3, 2))
  await last.until(isMark(3))
  t.same(site.orders, [])
  t.match(await site.explain(requestOf(study)), {
    state: 'incomplete',
    why: /2 of 2 objects are not there: .*A. Smith ended it: twice/,
  })
  t.match(await site.ask('explain', 'r-2'), { code: 65, stderr: /nothing called .* waits here or/ })
})

t.test('what is over is explained for ever: what arrived, what was refused and why', async (t) => {
  const site = await Site.make()
  const peer = await StoragePeer.listen({
    port: site.port,
    store: (number) => (number === 2 ? 0xa900 : 0),
  })
  t.teardown(() => peer.close())
  const [torn, whole] = [
    makeStudy({ objects: 3, fields: { excluded: { 'Modality SR': 2 } } }),
    makeStudy({ objects: 30, fields: { revision: 2 } }),
  ]
  const sending = await site.runs(t, [torn, whole])
  await sending.until((record) => isTransfer(record) && record['requestId'] === requestOf(whole))
  sending.write(mark(2, 1))
  sending.write(mark(3, 2))
  await sending.until(isMark(3))
  sending.child.stdin?.end()
  t.equal(await sending.exit, 1, 'one object is not there')

  const ofTorn = await site.explain(requestOf(torn))
  t.match(ofTorn, {
    destination: 'pacs',
    state: 'incomplete',
    why: /1 of 3 objects are not there: .*0xA900.*E_REFUSED/,
    next: /log says why.*replayed from the journal errors/,
    objects: { sent: 2, refused: 1, waiting: 0, missing: 0 },
    excluded: { 'Modality SR': 2 },
    lastSentAt: /Z$/,
    verified: false,
  })
  const refused = (ofTorn['instances'] as AnyRecord[]).find(({ state }) => state === 'refused')
  t.match(refused, { code: 'E_REFUSED', message: /0xA900/, hint: /log says why/ })
  t.match(await site.explain(String(whole.record['StudyInstanceUID'])), {
    requestId: requestOf(whole),
    revision: 2,
    state: 'delivered',
    why: /all 30 objects were delivered by .*verify: none/,
    objects: { sent: 30, refused: 0, waiting: 0, missing: 0 },
  })
  t.match((await site.status())['today'], { studies: 1, objects: 32, incomplete: 1 })
})

t.test(
  'what ended before ends were noted is told by the request, and not as more than it is',
  async (t) => {
    const site = await Site.make()
    const peer = await StoragePeer.listen({ port: site.port })
    t.teardown(() => peer.close())
    const study = makeStudy({ objects: 2 })
    await send(['--config', site.config], [study.record])
    const [path = ''] = filesBelow(join(site.dataDir, 'state/fiona-send/ledger')).filter((name) =>
      name.includes(requestOf(study)),
    )
    const lines = readFileSync(path, 'utf8').split('\n')
    writeFileSync(path, lines.filter((line) => !line.startsWith('{"ended"')).join('\n'))
    t.match(await site.explain(requestOf(study)), {
      destination: 'pacs',
      state: 'unknown',
      why: '2 objects were delivered; how it ended was not noted',
      objects: { sent: 2 },
    })
  },
)

t.test('hostile names reach neither terminal nor file system', async (t) => {
  const site = await Site.make()
  const request = `../../x\u001b[2J\u202e'$(id)`
  await site.took(t, makeStudy({ fields: { requestId: request } }))
  const explained = await site.ask('explain', request)
  t.equal(explained.code, 0)
  t.notMatch(explained.stdout, /[\u001b\u202e]/)
  t.match(JSON.parse(explained.stdout), { requestId: request })
  for (const args of [
    ['hold', request],
    ['retry', request],
    ['release', request],
    ['drop', request, '--by', '\u001b]0;x\u0007', '--because', 'a\nb'],
  ]) {
    const done = await site.ask(...args)
    t.equal(done.code, 0, done.stderr)
    t.notMatch(done.stdout + done.stderr, /[\u001b\u202e]/)
  }
  const sending = await site.runs(t, [])
  t.match(sending.said.find(isTransfer) ?? (await sending.until(isTransfer)), {
    requestId: request,
  })
  t.notOk(existsSync(join(site.dataDir, 'x')))
  t.same(site.orders, [])
})

t.test(
  'an order nobody understands is told and removed; a damaged hold stops the start',
  async (t) => {
    const site = await Site.make()
    await site.took(t, makeStudy())
    const state = join(site.dataDir, 'state', 'fiona-send')
    writeFileSync(join(state, 'orders', 'deliver', '1.json'), '{"do":"drop"')
    const sending = await site.runs(t, [])
    t.match(sending.stderr, /nobody understands/)
    t.same(site.orders, [])
    await sending.kill('SIGKILL')
    writeFileSync(join(state, 'holds', `request-${'0'.repeat(40)}.json`), '{')
    const refused = new Sending(['--config', site.config], { FIONA_STAGE: 'deliver' })
    t.equal(await refused.exit, 65)
    t.match(refused.stderr, /E_STATE_FORMAT|is damaged/)
  },
)

t.test('what is half said is refused', async (t) => {
  const site = await Site.make()
  for (const [args, code, text] of [
    [['pause'], 64, /there are status, explain/],
    [['explain'], 64, /takes one name/],
    [['drop', 'r1'], 64, /needs --by NAME and --because TEXT/],
    [['drop', 'pacs', '--by', 'a', '--because', 'b'], 64, /ends one request/],
    [['status', '--by', 'a'], 64, /decides nothing/],
    [['hold', 'nobody'], 65, /nothing called/],
    [['--because', 'x'], 64, /belongs to a command/],
  ] as const) {
    t.match(await site.ask(...args), { code, stdout: '', stderr: text }, args.join(' '))
  }
})

async function isListening(port: number): Promise<void> {
  const { connect } = await import('node:net')
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    const is = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (is) return
  }
}
