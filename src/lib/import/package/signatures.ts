/** Of a local file header, and of the end of an empty ZIP file (APPNOTE 4.3.7, 4.3.16). */
const zip = [Buffer.from('PK\x03\x04', 'latin1'), Buffer.from('PK\x05\x06', 'latin1')]
const gzip = Buffer.from([0x1f, 0x8b])
const packageName = /\.(?:zip|tar|tgz|tar\.gz)$/i

/** Whether a file of this name is meant as a package. */
export function hasPackageName(name: string): boolean {
  return packageName.test(name)
}

/** @param head the first 512 bytes, or all */
export function packageKind(head: Buffer): 'zip' | 'tar' | 'gzip' | undefined {
  if (zip.some((signature) => head.subarray(0, 4).equals(signature))) return 'zip'
  if (head.subarray(0, 2).equals(gzip)) return 'gzip'
  return beginsLikeTar(head) ? 'tar' : undefined
}

/** "ustar" in old GNU and in POSIX headers (pax(1)). */
export function beginsLikeTar(head: Buffer): boolean {
  return head.toString('latin1', 257, 262) === 'ustar'
}
