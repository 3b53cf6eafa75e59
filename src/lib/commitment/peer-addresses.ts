import { dirname, resolve } from 'node:path'
import type { Config } from '../config/index.ts'
import type { PeerAddress } from './report.ts'
import type { Requester } from './waiting-requests.ts'

/**
 * Where a peer listens: what the configuration says of its AE title, else the address that it called from.
 * A receiver that takes only TLS speaks TLS to its peers, too, with its own certificate.
 */
export function peerAddresses(config: Config): (requester: Requester) => PeerAddress {
  const { peers, peerPort, tls } = config.receiver
  const base = config.path === undefined ? process.cwd() : dirname(config.path)
  const file = (path: string | undefined) => (path === undefined ? undefined : resolve(base, path))
  const secure = {
    certFile: file(tls?.certFile),
    keyFile: file(tls?.keyFile),
    caFile: file(tls?.clientCaFile),
  }
  return ({ callingAET, address }) => {
    const known = Object.hasOwn(peers, callingAET) ? peers[callingAET] : undefined
    const isSecure = known?.tls ?? tls !== undefined
    return {
      host: known?.host ?? address,
      port: known?.port ?? peerPort,
      ...(isSecure ? { tls: secure } : {}),
    }
  }
}
