import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'

async function load(t: Test, redcap: object, ...others: object[]) {
  const folder = t.testdir({
    'c.json': JSON.stringify({ requests: [redcap, ...others].map((one) => ({ redcap: one })) }),
  })
  return { folder, config: await loadConfig(join(folder, 'c.json')) }
}

const url = 'https://redcap.example.org/api/'

t.test('the files of a REDCap are beside the configuration', async (t) => {
  const { folder, config } = await load(t, {
    url,
    tokenFile: 'a.token',
    ownTokenFiles: { ABCD: 'own.token' },
    caFile: '/etc/ca.crt',
  })
  t.match(config.requests, [
    {
      redcap: {
        tokenFile: join(folder, 'a.token'),
        ownTokenFiles: { ABCD: join(folder, 'own.token') },
        caFile: '/etc/ca.crt',
      },
    },
  ])
})

t.test('a token is not sent where others can read it', async (t) => {
  const tokenFile = 't'
  for (const [wrong, why] of [
    ['http://redcap.example.org/api/', /use https/],
    ['http://127.0.0.1.example.org/api/', /use https/],
    ['https://redcap.example.org/api/?token=1', /must end with the path/],
    ['https://user:password@redcap.example.org/api/', /must end with the path/],
    ['https://[', /no URL/],
  ] as const) {
    await t.rejects(load(t, { url: wrong, tokenFile }), { code: 'E_CONFIG', message: why }, wrong)
  }
  for (const right of [
    url,
    'http://127.0.0.1:8080/api/',
    'http://localhost/api/',
    'http://[::1]/api/',
  ]) {
    await t.resolves(load(t, { url: right, tokenFile }), right)
  }
  await t.rejects(load(t, { url, tokenFile }, { url, tokenFile }), { message: /second REDCap/ })
})
