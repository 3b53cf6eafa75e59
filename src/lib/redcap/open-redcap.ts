import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { readTextFile } from '../storage/index.ts'
import { type Endpoint, openEndpoint, type Post } from './http-post.ts'
import { Pace } from './pace.ts'
import { bareHash, keyedHash, type PatientHash } from './patient-hashes.ts'
import { RedcapProject } from './redcap-project.ts'
import type { RedcapProjects } from './known-tables.ts'
import { RedcapSource } from './redcap-source.ts'
import { readToken, Token } from './token.ts'

export type RedcapConfig = NonNullable<Config['requests'][number]['redcap']>

/** Half of what REDCap allows an address unless its administrator says otherwise. */
const usualCallsPerMinute = 300
const usualTimeoutSeconds = 60
const usualSeconds = 60
const usualCouplingDays = 14
const mostAnswerBytes = 64 << 20

export interface OpenedProjects extends RedcapProjects {
  close(): void
}

/** Stands between a site and its REDCap: one that records what is said, or that answers in its place. */
export type Between = (endpoint: Endpoint) => Endpoint

/**
 * All projects of a server that are configured, with their tokens.
 * @throws FionaError E_REDCAP_TOKEN, E_CONFIG
 */
export async function openProjects(
  config: RedcapConfig,
  log: Pick<Logger, 'debug' | 'warn'>,
  options: { readonly between?: Between; readonly attempts?: number } = {},
): Promise<OpenedProjects> {
  const { url, timeoutSeconds = usualTimeoutSeconds, caFile } = config
  const own = Object.entries(config.ownTokenFiles ?? {})
  const [incomingToken, projectsToken, routingToken, couplingToken, autoIdToken, ...ownTokens] =
    await Promise.all(
      [
        config.tokenFile,
        config.projectsTokenFile,
        config.routingTokenFile,
        config.couplingTokenFile,
        config.autoIdTokenFile,
        ...own.map(([, path]) => path),
      ].map(async (path) => (path === undefined ? undefined : readToken(path))),
    )
  const ca = caFile === undefined ? undefined : await readAuthorities(caFile)
  const direct = openEndpoint(url, { timeoutSeconds, mostAnswerBytes }, ca)
  const endpoint = options.between?.(direct) ?? direct
  const pace = new Pace(config.callsPerMinute ?? usualCallsPerMinute)
  const { attempts } = options
  const project = (name: string, token: typeof incomingToken, post: Post = endpoint.post) =>
    token === undefined
      ? undefined
      : new RedcapProject({
          name,
          token,
          post,
          pace,
          log,
          ...(attempts === undefined ? {} : { attempts }),
        })
  const incoming = project('Incoming', incomingToken)
  if (incoming === undefined) throw new TypeError('tokenFile is required by the schema')
  return {
    incoming,
    projects: project('DataTransferProjects', projectsToken),
    routing: project('Routing', routingToken),
    couplings: project('CouplingList', couplingToken),
    autoIds: project('AutoID', autoIdToken),
    own: new Map(
      own.flatMap(([name], at) => {
        const one = project(name, ownTokens[at])
        return one === undefined ? [] : [[name, one] as const]
      }),
    ),
    close() {
      endpoint.close()
    },
  }
}

/**
 * The source of requests of a site that has a REDCap; not opened yet.
 * @param site `hash` is keyed with a key of this site: for names of patients
 * @throws FionaError E_REDCAP_TOKEN, E_CONFIG
 */
export async function redcapSource(
  redcap: RedcapConfig,
  site: {
    readonly projects: Config['projects']
    readonly hash: (...texts: readonly string[]) => Buffer
    readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>
  },
): Promise<RedcapSource> {
  const { projects, hash, log } = site
  // What still fails then is tried later, by who asks.
  const opened = await openProjects(redcap, log, { attempts: 2 })
  return new RedcapSource({
    name: 'redcap',
    redcap: opened,
    everySeconds: redcap.everySeconds ?? usualSeconds,
    couplingDays: redcap.couplingDays ?? usualCouplingDays,
    hash: hashOf(redcap, hash),
    destinationsOf: (project) => projects[project]?.destinations ?? [],
    log,
    close: () => opened.close(),
  })
}

/**
 * The same for whoever goes by what was read last and asks nothing: `load` is all that may be called. Nobody who decides by
 * hand has to be let at the tokens.
 */
export function rememberedSource(
  redcap: RedcapConfig,
  site: {
    readonly hash: (...texts: readonly string[]) => Buffer
    readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>
  },
): RedcapSource {
  const { hash, log } = site
  const silent = (name: string, path: string | undefined): RedcapProject | undefined =>
    path === undefined
      ? undefined
      : new RedcapProject({
          name,
          token: new Token(''),
          post: () => Promise.reject(new TypeError('nothing is asked here')),
          pace: new Pace(1),
          log,
        })
  const incoming = silent('Incoming', redcap.tokenFile)
  if (incoming === undefined) throw new TypeError('tokenFile is required by the schema')
  return new RedcapSource({
    name: 'redcap',
    redcap: {
      incoming,
      projects: silent('DataTransferProjects', redcap.projectsTokenFile),
      routing: silent('Routing', redcap.routingTokenFile),
      couplings: silent('CouplingList', redcap.couplingTokenFile),
      autoIds: silent('AutoID', redcap.autoIdTokenFile),
      own: new Map(),
    },
    everySeconds: redcap.everySeconds ?? usualSeconds,
    couplingDays: redcap.couplingDays ?? usualCouplingDays,
    hash: hashOf(redcap, hash),
    destinationsOf: () => [],
    log,
    close: () => undefined,
  })
}

function hashOf(
  { hashes }: RedcapConfig,
  hash: (...texts: readonly string[]) => Buffer,
): PatientHash {
  return hashes === 'sha256' ? bareHash : keyedHash(hash)
}

/** Those that Node knows stay trusted. */
async function readAuthorities(path: string): Promise<string[]> {
  const text = await readTextFile(path, {
    code: 'E_CONFIG',
    what: 'file of certificates',
    hint: 'put the PEM certificate of the authority there, or leave out caFile',
    exitCode: ExitCode.badConfig,
    mostMebibytes: 4,
  })
  const own = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    for (const pem of own) new X509Certificate(pem)
  } catch (cause) {
    throw noCertificate(path, cause)
  }
  if (own.length === 0) throw noCertificate(path)
  return [...rootCertificates, ...own]
}

function noCertificate(path: string, cause?: unknown): FionaError {
  return new FionaError('E_CONFIG', `${path} holds no PEM certificate that can be read`, {
    hint: 'put the certificate of the authority there (-----BEGIN CERTIFICATE-----)',
    exitCode: ExitCode.badConfig,
    cause,
  })
}
