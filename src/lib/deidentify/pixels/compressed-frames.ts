import type { DicomFile } from '../../dicom/index.ts'
import { FragmentBytes } from './fragment-bytes.ts'
import { type Visit, showRuns, walkBoxes, walkJpeg, walkJpeg2000 } from './codestreams.ts'

export type Codec = 'jpeg' | 'jpeg2000' | 'jpeg-xl' | 'rle' | 'uncompressed' | 'video' | 'other'

/** By the last part of the UID (PS3.5 A.4). JPEG-LS has the markers of JPEG, HTJ2K those of JPEG 2000. */
const codecs: readonly (readonly [RegExp, Codec])[] = [
  [/^4\.(?:[567]\d|8[01])$/, 'jpeg'],
  [/^4\.(?:9[0-3]|20[1-3])$/, 'jpeg2000'],
  [/^4\.11[0-2]$/, 'jpeg-xl'],
  [/^4\.10[0-8]/, 'video'],
  [/^5$/, 'rle'],
  [/^1\.98$/, 'uncompressed'],
]

export function codecOf(transferSyntaxUID: string): Codec {
  const rest = transferSyntaxUID.replace(/^1\.2\.840\.10008\.1\.2\./, '')
  return codecs.find(([pattern]) => pattern.test(rest))?.[1] ?? 'other'
}

export interface FramesFound {
  /** Undefined where the codec does not show how many there are. */
  readonly frames: number | undefined
  readonly troubles: ReadonlySet<'damaged-pixel-data' | 'incomplete-object' | 'bytes-behind-pixels'>
}

/**
 * Goes through compressed frames, headers only where the format allows it, and shows to `visit`
 * whatever may hold text: comments, application data, metadata boxes, segments that are not known.
 */
export function walkFrames(
  file: DicomFile,
  fragments: readonly { readonly offset: number; readonly length: number }[],
  codec: Codec,
  visit?: Visit,
): FramesFound {
  const troubles = new Set<'damaged-pixel-data' | 'incomplete-object' | 'bytes-behind-pixels'>()
  // Native frames, packed or not: as little of them is text as of pixels that are not compressed.
  if (codec === 'rle' || codec === 'uncompressed') return { frames: undefined, troubles }
  const stream = new FragmentBytes(file, fragments)
  // User data of videos, and whatever stands behind frames of a kind that is not read here.
  if (codec === 'video' || codec === 'other') {
    if (visit !== undefined) showRuns(stream, visit)
    return { frames: undefined, troubles }
  }
  let frames = 0
  for (let at = 0; at < stream.length;) {
    const walk = beginsWithBoxes(stream, at)
      ? walkBoxes
      : codec === 'jpeg'
        ? walkJpeg
        : codec === 'jpeg2000'
          ? walkJpeg2000
          : undefined
    // A bare JPEG XL codestream has no length of its own: what stands behind it is read with it.
    if (walk === undefined) {
      if (visit !== undefined) showRuns(stream, visit)
      return { frames: undefined, troubles }
    }
    const { end, state } = walk(stream, at, visit ?? (() => undefined))
    frames++
    if (state === 'damaged') troubles.add('damaged-pixel-data')
    if (state === 'cut') troubles.add('incomplete-object')
    if (state !== 'whole') break
    const next = end > at && stream.isFragmentStart(end) ? end : stream.fragmentEnd(end)
    if (!isFilling(stream, end, next)) troubles.add('bytes-behind-pixels')
    at = next
  }
  return { frames: troubles.size > 0 ? undefined : frames, troubles }
}

/** JP2 and JPEG XL files begin with a box of twelve bytes that names the format. */
function beginsWithBoxes(stream: FragmentBytes, at: number): boolean {
  if (stream.uint32(at) !== 12) return false
  return ['jP  ', 'JXL '].includes(stream.slice(at + 4, 4).toString('latin1'))
}

/** NULs or FFs: filling up to an even length, or as much as an encoder's buffer had. */
function isFilling(stream: FragmentBytes, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = stream.byte(at)
    if (byte !== 0 && byte !== 0xff) return false
  }
  return true
}
