import { constants, gunzipSync, inflateSync } from 'node:zlib'

/** gzip (RFC 1952), and zlib (RFC 1950) with the window that everybody uses. */
const beginning = /\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]/g
const mostOfOne = 16 << 20
/** Hostile bytes may begin a stream at every other place. */
const mostOfAll = 64 << 20
/** By chance there are some sixty in a mebibyte. */
const mostBeginnings = 1024

/** What compressed streams inside of bytes hold, as far as they go. Other bytes that begin alike give nothing. */
export function inflatedWithin(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  let inflatedBytes = 0
  let beginnings = 0
  for (const { index } of bytes.toString('latin1').matchAll(beginning)) {
    if (inflatedBytes > mostOfAll || ++beginnings > mostBeginnings) break
    const inflated = inflate(bytes.subarray(index))
    if (inflated === undefined) continue
    inflatedBytes += inflated.length
    found.push(inflated)
  }
  return found
}

function inflate(bytes: Buffer): Buffer | undefined {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: mostOfOne }
  try {
    return bytes[0] === 0x1f ? gunzipSync(bytes, options) : inflateSync(bytes, options)
  } catch {
    return undefined
  }
}
