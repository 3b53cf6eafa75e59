import { readFile } from 'node:fs/promises'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  type AssociateAccept,
  ContextResult,
  DICOM_APPLICATION_CONTEXT,
  PduType,
  encodeControlPdu,
  pduLimits,
} from './pdu/index.ts'
import { RequestorConnection, announcedPduLength } from './requestor-connection.ts'
import { notConnected, rejected, stopped, timedOut } from './requestor-trouble.ts'
import { Association, type Pace } from './requestor.ts'

export interface AssociationOptions {
  readonly host: string
  readonly port: number
  /** 1 to 16 characters. */
  readonly callingAETitle: string
  readonly calledAETitle: string
  /** At most 128; the accepted transfer syntax of each is told by `Association.accepted`. */
  readonly contexts: readonly {
    readonly abstractSyntax: string
    readonly transferSyntaxes: readonly string[]
    /** We would be the SCP although we open the association (PS3.7 D.3.3.4); as a rule we are the SCU. */
    readonly asSCP?: boolean
  }[]
  /** For each wait: to connect, to be answered, to have data taken. */
  readonly timeoutSeconds: number
  /** Ends the association, whatever it is doing, with A-ABORT. */
  readonly signal?: AbortSignal | undefined
  /** Of objects that are stored; undefined is as fast as it goes. */
  readonly pace?: Pace | undefined
  /** PEM files. Without `caFile` the system's certificates are trusted; NODE_EXTRA_CA_CERTS adds to them. */
  readonly tls?:
    | {
        readonly caFile?: string | undefined
        readonly certFile?: string | undefined
        readonly keyFile?: string | undefined
      }
    | undefined
}

/**
 * Connects and negotiates (PS3.8 7.1). An association of which no context was accepted is opened too:
 * what can be sent is to be asked with `accepted`.
 * @throws FionaError E_CONNECT, E_TLS, E_TIMEOUT, E_ASSOCIATION_REJECTED, E_ASSOCIATION_ABORTED,
 *   E_STOPPED; `retryable` says whether a later try may succeed
 */
export async function openAssociation(options: AssociationOptions): Promise<Association> {
  const { contexts, calledAETitle, callingAETitle, timeoutSeconds, signal } = options
  if (contexts.length === 0 || contexts.length > pduLimits.maxPresentationContexts) {
    throw new RangeError(`an association has 1 to 128 contexts, not ${String(contexts.length)}`)
  }
  const peer = `${calledAETitle}@${options.host}:${String(options.port)}`
  const socket = await connect(peer, options)
  const connection = new RequestorConnection(socket, { peer, timeoutSeconds, signal })
  const proposed = contexts.map((context, index) => ({ ...context, id: 2 * index + 1 }))
  const roles = contexts.flatMap(({ abstractSyntax, asSCP }) =>
    asSCP === true ? [{ SOPClassUID: abstractSyntax, scu: false, scp: true }] : [],
  )
  await connection.write(
    encodeControlPdu({
      type: PduType.AssociateRequest,
      protocolVersion: 1,
      calledAETitle,
      callingAETitle,
      applicationContext: DICOM_APPLICATION_CONTEXT,
      presentationContexts: proposed,
      userInformation: {
        maxPduLength: announcedPduLength,
        implementationClassUID: IMPLEMENTATION_CLASS_UID,
        implementationVersionName: IMPLEMENTATION_VERSION_NAME,
        ...(roles.length === 0 ? {} : { roles }),
      },
    }),
  )
  const answer = await connection.next('no answer to the request for an association')
  if (answer.kind === 'control' && answer.pdu.type === PduType.AssociateReject) {
    const error = rejected(peer, answer.pdu)
    connection.fail(error)
    throw error
  }
  if (answer.kind !== 'control' || answer.pdu.type !== PduType.AssociateAccept) {
    const error = new FionaError(
      'E_DICOM_PROTOCOL',
      `${peer} did not answer as a DICOM peer does`,
      {
        exitCode: ExitCode.badInput,
      },
    )
    connection.fail(error, { abort: true })
    throw error
  }
  const accepted = acceptedOf(answer.pdu, proposed)
  connection.accept(new Set(accepted.values()))
  const { maxPduLength } = answer.pdu.userInformation
  return new Association(connection, accepted, maxPduLength, options.pace)
}

/**
 * What was not proposed cannot be accepted: neither a context nor a transfer syntax in it. Nor is one
 * where we would not have the role that we need; many peers accept that and leave it out of their answer.
 */
function acceptedOf(
  answer: AssociateAccept,
  proposed: readonly (AssociationOptions['contexts'][number] & { readonly id: number })[],
): Map<string, number> {
  const notAsSCP = new Set(
    (answer.userInformation.roles ?? []).flatMap(({ SOPClassUID, scp }) =>
      scp ? [] : SOPClassUID,
    ),
  )
  const accepted = new Map<string, number>()
  for (const { id, result, transferSyntax } of answer.presentationContexts) {
    const asked = proposed.find((context) => context.id === id)
    if (result !== ContextResult.acceptance || asked === undefined) continue
    if (!asked.transferSyntaxes.includes(transferSyntax)) continue
    if (asked.asSCP === true && notAsSCP.has(asked.abstractSyntax)) continue
    const key = `${asked.abstractSyntax} ${transferSyntax}`
    if (!accepted.has(key)) accepted.set(key, id)
  }
  return accepted
}

async function connect(peer: string, options: AssociationOptions): Promise<Socket> {
  const { host, port, timeoutSeconds, signal } = options
  if (signal?.aborted === true) throw stopped(peer)
  const secure = options.tls === undefined ? undefined : await readSecrets(options.tls)
  return new Promise((resolve, reject) => {
    const socket =
      secure === undefined
        ? connectPlain({ host, port, noDelay: true })
        : connectSecure({
            host,
            port,
            minVersion: 'TLSv1.2',
            ...secure,
            ...(isIP(host) === 0 ? { servername: host } : {}),
          })
    socket.setNoDelay(true)
    const finish = (error?: FionaError): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      socket.removeAllListeners('error')
      if (error === undefined) {
        resolve(socket)
        return
      }
      // What else this socket has to say interests nobody.
      socket.on('error', () => undefined)
      socket.destroy()
      reject(error)
    }
    const stop = (): void => {
      finish(stopped(peer))
    }
    const timer = setTimeout(() => {
      finish(timedOut(peer, 'no connection', timeoutSeconds))
    }, timeoutSeconds * 1000)
    signal?.addEventListener('abort', stop, { once: true })
    socket.once(secure === undefined ? 'connect' : 'secureConnect', () => {
      finish()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      finish(notConnected(peer, error))
    })
  })
}

async function readSecrets(
  files: NonNullable<AssociationOptions['tls']>,
): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const read = async (path: string | undefined): Promise<Buffer | undefined> => {
    if (path === undefined) return undefined
    return readFile(path).catch((error: unknown) => {
      throw new FionaError(
        'E_TLS_FILE',
        `${path} cannot be read (${String((error as NodeJS.ErrnoException).code)})`,
        { hint: 'caFile, certFile and keyFile are PEM files', exitCode: ExitCode.badConfig },
      )
    })
  }
  const [ca, cert, key] = await Promise.all([files.caFile, files.certFile, files.keyFile].map(read))
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}
