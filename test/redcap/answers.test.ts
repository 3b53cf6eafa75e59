import t, { type Test } from 'tap'
import type { FionaError } from '../../src/lib/error/index.ts'
import { retryAfterSeconds } from '../../src/lib/http/index.ts'
import { openEndpoint } from '../../src/lib/redcap/http-post.ts'
import { Pace } from '../../src/lib/redcap/pace.ts'
import { RedcapProject } from '../../src/lib/redcap/redcap-project.ts'
import { Token } from '../../src/lib/redcap/token.ts'
import { type Fault, RedcapServer } from './server.ts'
import { repeats, setupOf, tokens } from './served.ts'

const signal = new AbortController().signal

interface Heard {
  readonly log: string[]
  readonly waits: number[]
}

function clientOf(
  t: Test,
  server: RedcapServer,
  options: {
    attempts?: number
    timeoutSeconds?: number
    mostAnswerBytes?: number
    token?: string
  } = {},
): RedcapProject & { heard: Heard } {
  const { timeoutSeconds = 20, mostAnswerBytes = 1 << 20, token = tokens.incoming } = options
  const endpoint = openEndpoint(server.url, { timeoutSeconds, mostAnswerBytes })
  t.teardown(() => endpoint.close())
  const heard: Heard = { log: [], waits: [] }
  const write = (...words: unknown[]) => void heard.log.push(JSON.stringify(words))
  const project = new RedcapProject({
    name: 'Incoming',
    token: new Token(token),
    post: endpoint.post,
    pace: new Pace(1000),
    log: { debug: write, warn: write },
    attempts: options.attempts ?? 3,
    wait: async (ms) => void heard.waits.push(ms),
    random: () => 1,
  })
  return Object.assign(project, { heard })
}

async function served(t: Test) {
  const server = await RedcapServer.start()
  t.teardown(() => server.stop())
  const project = server.add(tokens.incoming, setupOf('Incoming', { repeating: repeats.Incoming }))
  return { server, project }
}

const study = (uid: string, more: Record<string, string> = {}) => ({
  study_instance_uid: uid,
  ...more,
})

t.test('what is written is read again, and written twice it is there once', async (t) => {
  const { server, project } = await served(t)
  const client = clientOf(t, server)
  const rows = [
    study('1.2.3', { study_description: 'Head; "a" æøå' }),
    study('1.2.4', { study_description: 'Knee' }),
  ]
  await client.importRecords(rows, 'keep', signal)
  await client.importRecords(rows, 'keep', signal)
  t.equal(project.lines.length, 2)
  const found = await client.exportRecords(
    { fields: ['study_instance_uid', 'study_description'], records: ['1.2.3'] },
    signal,
  )
  t.strictSame(
    found.map((row) => Object.fromEntries(row)),
    [
      {
        study_instance_uid: '1.2.3',
        study_description: 'Head; "a" æøå',
        redcap_repeat_instrument: '',
        redcap_repeat_instance: '',
      },
    ],
  )
  const [asked] = server.calls.slice(-1)
  t.equal(asked?.get('fields[0]'), 'study_instance_uid')
  t.equal(asked?.get('records[0]'), '1.2.3')
  t.equal(asked?.get('returnFormat'), 'json')
})

t.test('blanks clear only where they are meant', async (t) => {
  const { server, project } = await served(t)
  const client = clientOf(t, server)
  project.put('1.2', { study_description: 'old' })
  await client.importRecords([study('1.2', { study_description: '' })], 'keep', signal)
  t.equal(project.row('1.2')['study_description'], 'old')
  await client.importRecords([study('1.2', { study_description: '' })], 'clear', signal)
  t.equal(project.row('1.2')['study_description'], '')
})

t.test('many records are asked for and written in portions', async (t) => {
  const { server } = await served(t)
  const client = clientOf(t, server)
  const names = Array.from({ length: 130 }, (_, at) => `1.2.${String(at)}`)
  await client.importRecords(
    names.map((name) => study(name, { study_date: '20260102' })),
    'keep',
    signal,
  )
  const rows = await client.exportRecords(
    { fields: ['study_instance_uid'], records: [...names, '1.2.0'] },
    signal,
  )
  t.equal(rows.length, 130)
  t.equal(server.count('record', 'import'), 2)
  t.equal(server.count('record', 'export'), 3)
  t.strictSame(await client.exportRecords({ records: [] }, signal), [])
  t.equal(server.count('record', 'export'), 3, 'for no record nothing is asked')
})

const passing: readonly [string, Fault][] = [
  ['too many calls', { status: 429, headers: { 'Retry-After': '7' } }],
  ['trouble of the server', { status: 500, body: '' }],
  ['maintenance', { status: 503, body: '<html>', headers: { 'Content-Type': 'text/html' } }],
  ['HTML with status 200', 'html'],
  ['half an answer', 'truncated'],
  ['a reset', 'reset'],
  ['an answer that is lost', 'unanswered'],
]
for (const [what, fault] of passing) {
  t.test(`after ${what} it is tried again, later each time`, async (t) => {
    const { server, project } = await served(t)
    const client = clientOf(t, server)
    server.meet(fault, fault)
    await client.importRecords([study('1.2.3', { study_date: '20260102' })], 'keep', signal)
    t.equal(project.lines.length, 1)
    t.equal(server.calls.length, 3)
    const [first = 0, second = 0] = client.heard.waits
    t.equal(client.heard.waits.length, 2)
    t.ok(first >= 1000 && second >= first, `${String(first)}, ${String(second)}`)
    if (typeof fault === 'object' && fault.status === 429) t.equal(first, 7000)
    server.always = fault
    await t.rejects(client.exportRecords({ fields: ['study_instance_uid'] }, signal), {
      code: 'E_REDCAP_DOWN',
      retryable: true,
    })
  })
}

t.test('an answer that never ends is given up', async (t) => {
  const { server } = await served(t)
  server.always = 'hang'
  const client = clientOf(t, server, { attempts: 1, timeoutSeconds: 0.05 })
  await t.rejects(client.metadata(signal), {
    code: 'E_REDCAP_DOWN',
    message: /did not answer within/,
  })
})

t.test('an answer that is too long is not kept in memory', async (t) => {
  const { server, project } = await served(t)
  project.put('1.2', { study_description: 'x'.repeat(5000) })
  const client = clientOf(t, server, { attempts: 1, mostAnswerBytes: 1000 })
  await t.rejects(client.exportRecords({}, signal), { message: /longer than 1000 bytes/ })
})

t.test('where nobody listens that is said, and what to do', async (t) => {
  const { server } = await served(t)
  const client = clientOf(t, server, { attempts: 1 })
  await server.stop()
  t.teardown(() => undefined)
  await t.rejects(client.version(signal), { code: 'E_REDCAP_DOWN', message: /ECONNREFUSED/ })
  server.stop = async () => undefined
})

t.test('rights that lack are told, with what to do, and not tried again', async (t) => {
  const { server, project } = await served(t)
  project.rights.import = false
  const client = clientOf(t, server)
  await t.rejects(client.importRecords([study('1.2')], 'keep', signal), {
    code: 'E_REDCAP_RIGHTS',
    message: /API Import\/Update/,
    hint: /User Rights/,
  })
  t.equal(server.calls.length, 1)
  const stranger = clientOf(t, server, { token: 'F'.repeat(32) })
  await t.rejects(stranger.metadata(signal), { code: 'E_REDCAP_RIGHTS' })
})

t.test('what REDCap refuses is told by its field, without record and value', async (t) => {
  const { server } = await served(t)
  const client = clientOf(t, server)
  const bad = study('1.2.826.0.1', { study_arrival_date: 'Jane^Doe 19700101' })
  const error = await client.importRecords([bad], 'keep', signal).then(
    () => undefined,
    (reason: unknown) => reason as FionaError,
  )
  t.match(error, { code: 'E_REDCAP_REFUSED', message: /study_arrival_date: The value … could not/ })
  t.notMatch(error?.message, /Jane|1970|826/)
  await t.rejects(client.exportRecords({ fields: ['nowhere'] }, signal), {
    code: 'E_REDCAP_REFUSED',
  })
  await t.rejects(client.importRecords([study('1.2', { nowhere: 'x' })], 'keep', signal), {
    message: /not found in the project as real data fields: nowhere/,
  })
})

t.test('answers that no REDCap gives harm nobody', async (t) => {
  const { server } = await served(t)
  const client = clientOf(t, server, { attempts: 1 })
  const ask = (body: string, status = 200) => {
    server.meet({ status, body })
    return client.exportRecords({ fields: ['study_instance_uid'] }, signal)
  }
  const rows = await ask(
    '[{"study_instance_uid":12,"__proto__":{"isAdmin":1}},null,[1],"x",{"a":{"b":1}},{"constructor":"c","toString":"t","study_instance_uid":"1.2","study_instance_uid":"1.3","f":true,"g":null}]',
  )
  t.strictSame(
    rows.map((row) => [...row]),
    [
      [
        ['constructor', 'c'],
        ['toString', 't'],
        ['study_instance_uid', '1.3'],
        ['f', '1'],
        ['g', ''],
      ],
    ],
  )
  t.equal(({} as { isAdmin?: number }).isAdmin, undefined)
  t.match(client.heard.log.join('\n'), /"rows":5/)
  for (const body of ['{}', '"x"', '12', 'null', '{"rows":[]}']) {
    await t.rejects(ask(body), { code: 'E_REDCAP_ANSWER' }, body)
  }
  await t.rejects(ask('[{"a":', 200), { code: 'E_REDCAP_DOWN' })
  await t.rejects(ask('', 302), { code: 'E_REDCAP_ANSWER', message: /not followed/ })
  await t.rejects(ask('', 404), { code: 'E_REDCAP_ANSWER', hint: /\/api\// })
  await t.rejects(ask('{"error":{"a":1}}', 200), { code: 'E_REDCAP_REFUSED' })
  await t.rejects(ask(`{"error":"${'"'.repeat(0)}${'x'.repeat(500_000)}"}`, 400), {
    message: /^.{1,400}$/,
  })
})

t.test('the token is in no message and no log, whatever the server says', async (t) => {
  const { server } = await served(t)
  const client = clientOf(t, server, { attempts: 2 })
  const said: string[] = []
  for (const status of [200, 400, 401, 403, 404, 429, 500]) {
    for (const body of [
      JSON.stringify({ error: `the token ${tokens.incoming} is bad` }),
      `<html>${tokens.incoming}</html>`,
      JSON.stringify([{ study_instance_uid: tokens.incoming.toLowerCase() }]),
    ]) {
      server.meet({ status, body }, { status, body })
      await client.exportRecords({}, signal).then(
        (rows) => said.push(JSON.stringify(rows.map((row) => [...row]))),
        (error: unknown) => {
          const { message, hint, stack, cause } = error as FionaError
          said.push(message, hint ?? '', stack ?? '', String(cause))
        },
      )
    }
  }
  t.notMatch([...said, ...client.heard.log].join('\n').toUpperCase(), tokens.incoming)
  const { inspect } = await import('node:util')
  const token = new Token(tokens.incoming)
  const shown = [
    inspect(client, { depth: 9, showHidden: true }),
    inspect(token),
    `${String(token)}`,
  ]
  t.notMatch([...shown, JSON.stringify({ token, client })].join('\n'), tokens.incoming)
})

t.test('a project is described by its dictionary, events and what repeats', async (t) => {
  const { server } = await served(t)
  const client = clientOf(t, server)
  t.match(await client.metadata(signal), [
    { field_name: 'study_instance_uid', form_name: 'incoming_studies' },
  ])
  t.strictSame(await client.events(signal), [], 'not longitudinal')
  t.strictSame(
    (await client.repeatingForms(signal)).map(({ form_name }) => form_name),
    ['series', 'transfers'],
  )
  t.equal(await client.version(signal), '14.5.10')
  t.equal(await client.generateNextRecordName(signal), '1')
  t.equal((await client.info(signal)).get('project_title'), 'Incoming')
  server.add(
    tokens.own,
    setupOf('Project', { repeating: repeats.Project, events: ['event_1_arm_1'] }),
  )
  const own = clientOf(t, server, { token: tokens.own })
  t.strictSame(await own.events(signal), ['event_1_arm_1'])
})

t.test('a call that is stopped stops at once', async (t) => {
  const { server } = await served(t)
  server.always = 'hang'
  const client = clientOf(t, server)
  const stop = new AbortController()
  const call = client.metadata(stop.signal)
  stop.abort(new Error('told to stop'))
  await t.rejects(call, { message: 'told to stop' })
})

t.test('a pause is asked for in seconds or by a date, and none for ever', async (t) => {
  const now = Date.parse('2026-01-02T12:00:00Z')
  for (const [text, seconds] of [
    ['7', 7],
    ['Fri, 02 Jan 2026 12:00:30 GMT', 30],
    ['Fri, 02 Jan 2026 11:00:00 GMT', undefined],
    ['999999999', 86_400],
    ['-5', undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    t.equal(retryAfterSeconds(text, now), seconds, String(text))
  }
})

t.test('a token does not follow to where an answer points', async (t) => {
  const { server } = await served(t)
  const other = await RedcapServer.start()
  t.teardown(() => other.stop())
  for (const status of [301, 302, 303, 307, 308]) {
    server.meet({ status, headers: { Location: other.url }, body: '' })
    await t.rejects(clientOf(t, server, { attempts: 1 }).metadata(signal), {
      code: 'E_REDCAP_ANSWER',
      message: /not followed/,
    })
  }
  t.strictSame(other.calls, [], 'nobody else was asked')
})

t.test('other letters than UTF-8 make no other names', async (t) => {
  const { server } = await served(t)
  const latin = Buffer.from(
    '[{"study_instance_uid":"1.2","study_description":"Bj\xf8rn"}]',
    'latin1',
  )
  server.meet({ status: 200, bytes: latin })
  await t.rejects(clientOf(t, server, { attempts: 1 }).exportRecords({}, signal), {
    code: 'E_REDCAP_ANSWER',
    message: /not UTF-8/,
  })
})

t.test('an answer of a hundred megabytes is given up, and does not fill the memory', async (t) => {
  const { server } = await served(t)
  server.meet({ status: 200, endless: 100 << 20 })
  const client = clientOf(t, server, { attempts: 1, mostAnswerBytes: 8 << 20 })
  await t.rejects(client.exportRecords({}, signal), {
    code: 'E_REDCAP_DOWN',
    message: /longer than/,
  })
  t.ok(server.sentBytes < 100 << 20, `${String(server.sentBytes)} bytes were taken`)
})

t.test('an answer that drips without end is given up', async (t) => {
  const { server } = await served(t)
  server.meet('drip')
  const client = clientOf(t, server, { attempts: 1, timeoutSeconds: 0.3 })
  await t.rejects(client.metadata(signal), {
    code: 'E_REDCAP_DOWN',
    message: /did not answer within/,
  })
})
