import { constants } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { TlsOptions } from 'node:tls'
import { createSecureContext } from 'node:tls'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/**
 * BCP 195 (RFC 9325 4.2), which the secure transport profile of PS3.15 B.12 asks for: forward secrecy, and no
 * cipher without authentication of its own. Those of TLS 1.3 must be named, or Node offers none.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/**
 * Certificates for the receiver. With a client CA, a sender without a certificate of it gets no connection
 * (PS3.15 annex B.12).
 * @throws FionaError E_CONFIG (exit 78)
 */
export async function readTlsOptions(config: Config): Promise<TlsOptions | undefined> {
  const { tls } = config.receiver
  if (tls === undefined) return undefined
  const base = config.path === undefined ? process.cwd() : dirname(config.path)
  const read = async (key: 'certFile' | 'keyFile' | 'clientCaFile'): Promise<Buffer> => {
    const path = resolve(base, tls[key] ?? '')
    try {
      return await readFile(path)
    } catch (error) {
      const code = String((error as NodeJS.ErrnoException).code)
      throw refuse(`receiver.tls.${key}: ${path} cannot be read (${code})`, error)
    }
  }
  const options: TlsOptions = {
    minVersion: 'TLSv1.2',
    ciphers,
    // Nobody needs it, and each costs us what a new handshake does (RFC 9325 3.5).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    cert: await read('certFile'),
    key: await read('keyFile'),
    ...(tls.clientCaFile === undefined
      ? {}
      : { ca: await read('clientCaFile'), requestCert: true, rejectUnauthorized: true }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw refuse(`receiver.tls: ${(error as Error).message}`, error)
  }
  return options
}

function refuse(message: string, cause: unknown): FionaError {
  return new FionaError('E_CONFIG', message, {
    hint: 'certificate, key and client CA are PEM files that this user may read',
    exitCode: ExitCode.badConfig,
    cause,
  })
}
