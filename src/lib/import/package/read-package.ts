import type { Allowance } from './allowance.ts'
import type { Member } from './member.ts'
import { packageKind } from './signatures.ts'

/**
 * The members of an open package, in its order, folders left out. What is wrong with one member is told in its
 * place; what is thrown concerns the package, or what follows in it.
 * @param head its first bytes
 * @throws FionaError E_PACKAGE_BOMB, E_PACKAGE_DAMAGED, E_PACKAGE_ENCRYPTED, E_PACKAGE_UNSUPPORTED
 */
export async function* readPackage(
  fd: number,
  size: number,
  head: Buffer,
  allowance: Allowance,
): AsyncGenerator<Member, void, undefined> {
  const kind = packageKind(head)
  // A ZIP file may have something before it (self-extracting ones do): its end tells what it is.
  if (kind === undefined || kind === 'zip') {
    const { readZip } = await import('./read-zip.ts')
    yield* readZip(fd, size, allowance)
  } else {
    const { readTar } = await import('./read-tar.ts')
    yield* readTar(fd, kind === 'gzip', allowance)
  }
}
