import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openProjects } from '../../src/lib/redcap/open-redcap.ts'
import { RedcapServer } from './server.ts'
import { repeats, setupOf, temporary, tokenFile, tokens } from './served.ts'

const signal = new AbortController().signal
const quiet = { debug: () => undefined, warn: () => undefined }

/** @param madeAt for faketime: a certificate holds for two days from then on */
function certificate(directory: string, name: string, host: string, madeAt?: string) {
  const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)]
  execFileSync(
    madeAt === undefined ? 'openssl' : 'faketime',
    [
      ...(madeAt === undefined ? [] : [madeAt, 'openssl']),
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`],
      ...['-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  )
  return { cert, tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } }
}

t.test('a token goes only to who proves to be that server', async (t) => {
  const directory = temporary()
  const right = certificate(directory, 'right', 'localhost')
  const other = certificate(directory, 'other', 'redcap.example.org')
  const expired = certificate(directory, 'expired', 'localhost', '2020-01-01 12:00:00')
  for (const [served, caFile, isTrusted] of [
    [right, right.cert, true],
    [right, undefined, false],
    [right, other.cert, false],
    // Signed by whom we trust, for another name.
    [other, other.cert, false],
    [expired, expired.cert, false],
  ] as const) {
    const server = await RedcapServer.start(served.tls)
    server.add(tokens.incoming, setupOf('Incoming', { repeating: repeats.Incoming }))
    const projects = await openProjects(
      {
        url: server.url,
        tokenFile: tokenFile(directory, 'incoming'),
        ...(caFile === undefined ? {} : { caFile }),
      },
      quiet,
      { attempts: 1 },
    )
    if (isTrusted) t.equal(await projects.incoming.version(signal), '14.5.10')
    else {
      await t.rejects(projects.incoming.version(signal), { code: 'E_REDCAP_TLS', hint: /caFile/ })
      t.strictSame(server.calls, [], 'nothing was sent')
    }
    projects.close()
    await server.stop()
  }
})

t.test('what is no certificate is refused at the start', async (t) => {
  const directory = temporary()
  await t.rejects(
    openProjects(
      {
        url: 'https://localhost/api/',
        tokenFile: tokenFile(directory, 'incoming'),
        caFile: tokenFile(directory, 'own'),
      },
      quiet,
    ),
    { code: 'E_CONFIG', message: /no PEM certificate/ },
  )
})
