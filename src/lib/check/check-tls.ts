import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Config } from '../config/index.ts'
import { readTlsOptions } from '../intake/index.ts'
import { about, error, type Finding, ok, thrown, warning } from './finding.ts'

const soonDays = 30

/** Certificate and key of the receiver: readable, of each other, and valid today. */
export async function checkTls(config: Config): Promise<Finding[]> {
  const { tls } = config.receiver
  if (tls === undefined) return [ok('tls', 'not configured: plain DICOM')]
  try {
    // Reads all files, and refuses a key that is not the certificate's.
    await readTlsOptions(config)
    const { validTo, validFrom } = new X509Certificate(await readFile(tls.certFile))
    const days = (Date.parse(validTo) - Date.now()) / 86_400_000
    const hint = `put a new certificate into ${tls.certFile}, and then: fiona-ctl restart`
    if (days < 0) {
      const text = `the certificate ended on ${validTo}`
      return [about(error('tls', text, hint), 'receiver', 'tls', 'certFile')]
    }
    if (Date.parse(validFrom) > Date.now()) {
      const clock = 'wait, or set the clock of this machine right'
      return [error('tls', `the certificate is not valid before ${validFrom}`, clock)]
    }
    if (days < soonDays) return [warning('tls', `the certificate ends on ${validTo}`, hint)]
    return [ok('tls', `the certificate is valid until ${validTo}`)]
  } catch (problem) {
    return [about(thrown('tls', problem), 'receiver', 'tls')]
  }
}
