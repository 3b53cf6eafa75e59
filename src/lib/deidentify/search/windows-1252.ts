const decoder = new TextDecoder('windows-1252')

/** Node 20 takes Windows-1252 for Latin-1, which has no letters at 0x80 to 0x9f, unless it is decoded as a stream; a byte is a letter, so nothing is kept for the next. */
export function decodeWindows1252(bytes: Buffer): string {
  return decoder.decode(bytes, { stream: true })
}
