import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config/index.ts'
import {
  type Destination,
  readDestination,
  RemoteFiles,
  S3Store,
  tryStore,
  type WebTarget,
} from '../deliver/index.ts'
import { TransferSyntax } from '../dicom/index.ts'
import { statusTrouble, WebClient } from '../dicomweb/index.ts'
import { openAssociation, VERIFICATION } from '../dimse/index.ts'
import { ExitCode } from '../error/index.ts'
import { about, error, type Finding, ok, thrown, warning } from './finding.ts'

/** Longer than a peer that is well needs. */
const echoSeconds = 10

/** Does each answer, and is each used? Studies of a project without one cannot be delivered. */
export async function checkDestinations(config: Config): Promise<Finding[]> {
  const entries = Object.entries(config.destinations)
  const found = await Promise.all(
    entries.map(async ([name, settings]) => {
      const what = `destination ${name}`
      try {
        const where = `destinations.${name}.url`
        return await look(what, readDestination(name, settings, where, ExitCode.badConfig))
      } catch (problem) {
        return about(thrown(what, problem), 'destinations', name, 'url')
      }
    }),
  )
  const unknown = Object.entries(config.projects).flatMap(([project, { destinations }]) =>
    destinations
      .filter((name) => !Object.hasOwn(config.destinations, name))
      .map((name) => {
        const others = entries.map(([each]) => each).join(', ')
        const instead = others === '' ? '' : `, or name one of: ${others}`
        const text = `its destination ${name} is not configured`
        const finding = error(`project ${project}`, text, `add destinations.${name}${instead}`)
        return about(finding, 'projects', project, 'destinations')
      }),
  )
  return [...found, ...unknown]
}

async function look(what: string, destination: Destination): Promise<Finding> {
  const { target } = destination
  if (target.kind === 'folder') {
    const { directory } = target
    const isThere = await stat(directory).then(
      () => true,
      () => false,
    )
    const writable = await access(
      isThere ? directory : dirname(directory),
      constants.W_OK | constants.X_OK,
    ).then(
      () => true,
      () => false,
    )
    return writable
      ? ok(what, `${directory} is writable`)
      : error(what, `${directory} is not writable`, 'make it, or mount it, for the user of FIONA')
  }
  if (target.kind === 'sftp') {
    const seconds = Math.min(echoSeconds, destination.timeoutSeconds)
    const files = await RemoteFiles.open(target, seconds, AbortSignal.timeout(seconds * 1000))
    files.end()
    return ok(what, `${destination.url} lets us in`)
  }
  if (target.kind === 's3') {
    const store = new S3Store(target, Math.min(echoSeconds, destination.timeoutSeconds), 1)
    try {
      await tryStore(store, target.prefix, AbortSignal.timeout(2 * echoSeconds * 1000))
      return ok(what, `${destination.url} takes objects from us`)
    } finally {
      store.close()
    }
  }
  if (target.kind === 'stow') return askWeb(what, destination, target)
  const { host, port, calledAETitle, tls } = target
  const association = await openAssociation({
    host,
    port,
    calledAETitle,
    callingAETitle: destination.callingAETitle,
    contexts: [
      { abstractSyntax: VERIFICATION, transferSyntaxes: [TransferSyntax.ImplicitVRLittleEndian] },
    ],
    timeoutSeconds: Math.min(echoSeconds, destination.timeoutSeconds),
    ...(tls === undefined ? {} : { tls }),
  })
  try {
    const status = await association.echo()
    if (status === 0) return ok(what, `${destination.url} answers C-ECHO`)
    const text = `${destination.url} answers C-ECHO with 0x${status.toString(16).padStart(4, '0')}`
    return warning(what, text, 'ask whoever runs it')
  } finally {
    await association.release()
  }
}

/** What is not there, and what we may not do, shows with a question (QIDO-RS) as with an object. */
const refusals = new Set(['E_WEB_NOT_ALLOWED', 'E_WEB_REDIRECT'])

async function askWeb(what: string, destination: Destination, target: WebTarget): Promise<Finding> {
  const { url, timeoutSeconds } = destination
  const client = new WebClient({
    ...target,
    timeoutSeconds: Math.min(echoSeconds, timeoutSeconds),
    connections: 1,
  })
  try {
    const answer = await client.request({
      method: 'GET',
      path: 'studies?limit=1',
      accept: 'application/dicom+json',
      mostAnswerBytes: 4 << 20,
      signal: AbortSignal.timeout(2 * echoSeconds * 1000),
    })
    if (answer.status < 300) return ok(what, `${url} answers`)
    const trouble = statusTrouble(url, answer)
    if (answer.status === 404 || refusals.has(trouble.code)) return thrown(what, trouble)
    // It may take objects and answer no questions.
    return warning(what, trouble.message, trouble.hint ?? 'ask whoever runs it')
  } finally {
    client.close()
  }
}
