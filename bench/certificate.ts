import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** gdcmanon encrypts what it removes, for somebody who is named by a certificate. */
export function certificate(directory: string): string {
  const path = join(directory, 'certificate.pem')
  const request = 'req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=bench'.split(' ')
  spawnSync('openssl', [...request, '-keyout', join(directory, 'unused.pem'), '-out', path])
  return path
}
