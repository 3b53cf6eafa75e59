import {
  type OutElement,
  DicomFile,
  encodeDataSet,
  encodingOf,
  textElement,
} from '../../../dicom/index.ts'
import type { DataSetSource } from '../../../dimse/index.ts'
import { ExitCode, FionaError } from '../../../error/index.ts'
import {
  PixelSpool,
  fragmentsOfFrames,
  nativePixelsOf,
  pixelLayoutOf,
  saidOfLoss,
} from '../../../image/index.ts'
import { makeDirectories, temporaryPath } from '../../../storage/index.ts'
import { DataSetOfParts } from './data-set-of-parts.ts'

const Tag = {
  PhotometricInterpretation: 0x00280004,
  PlanarConfiguration: 0x00280006,
  PixelData: 0x7fe00010,
}
/** They tell where frames lie among fragments (PS3.3 C.7.6.3.1.8): Extended Offset Table, its lengths, the total length. */
const aboutFragments = new Set([0x7fe00001, 0x7fe00002, 0x7fe00003])

/**
 * The data set of a file with its pixels decompressed, written in a transfer syntax with native ones. Pixels are what they were, and
 * so is the object: its UIDs, and what it says of loss before. They are all decoded before anything goes, a frame at a time, and
 * wait in a file without a name while they are many.
 * @param to explicit or implicit VR little endian
 * @param spool a directory of ours
 * @throws FionaError E_NOT_DECODED, E_DICOM_PARSE, E_DICOM_LIMIT, E_FILE_READ
 */
export async function decodedDataSet(
  path: string,
  to: string,
  spool: string,
): Promise<DataSetSource> {
  const file = DicomFile.open(path)
  const pixels = new PixelSpool(() => temporaryPath(spool))
  const dispose = (): void => {
    pixels[Symbol.dispose]()
    file.close()
  }
  try {
    await makeDirectories(spool)
    const elements = await decodedElements(file, pixels)
    return new DataSetOfParts(file, encodeDataSet(elements, encodingOf(to)), dispose)
  } catch (error) {
    dispose()
    throw error instanceof FionaError && error.code === 'E_PIXELS' ? notDecoded(error) : error
  }
}

async function decodedElements(file: DicomFile, spool: PixelSpool): Promise<OutElement[]> {
  const { elements } = file.dataSet
  const pixelData = elements.find(({ tag }) => tag === Tag.PixelData)
  const layout = pixelLayoutOf(file)
  if (pixelData?.fragments === undefined || layout === undefined) {
    throw notDecoded('it has none that are compressed')
  }
  if (hasFragmentsWithin(elements)) throw notDecoded('there are others, in an icon or a sequence')
  const native = nativePixelsOf(file, pixelData, layout)
  for await (const frame of native.frames()) spool.append(frame)
  if (spool.length !== native.length) throw notDecoded('there are more or fewer than it says')
  const [first = []] = fragmentsOfFrames(file, pixelData, layout.frames)
  const made = {
    length: native.length,
    undefinedLength: false,
    readInto: (target: Buffer, at: number) => {
      spool.readInto(target, at)
    },
  }
  const changed: OutElement[] = [
    textElement(Tag.PhotometricInterpretation, 'CS', native.interpretation),
    ...(layout.samples > 1 ? [zero(Tag.PlanarConfiguration)] : []),
    ...saidOfLoss(file, pixelData, layout, first),
    { tag: Tag.PixelData, vr: layout.bitsAllocated > 8 ? 'OW' : 'OB', made },
  ]
  const isChanged = new Set(changed.map(({ tag }) => tag))
  const kept = elements.filter(({ tag }) => !isChanged.has(tag) && !aboutFragments.has(tag))
  return [...kept.map((copy) => ({ tag: copy.tag, vr: copy.vr, copy })), ...changed]
}

type Elements = DicomFile['dataSet']['elements']

function hasFragmentsWithin(elements: Elements): boolean {
  return elements.some(({ items }) =>
    items?.some(
      (item) =>
        item.elements.some(({ fragments }) => fragments !== undefined) ||
        hasFragmentsWithin(item.elements),
    ),
  )
}

function zero(tag: number): OutElement {
  return { tag, vr: 'US', value: Buffer.alloc(2) }
}

/** @param why as it stands behind a colon; or what the decoder said */
function notDecoded(why: string | FionaError): FionaError {
  const words = typeof why === 'string' ? why : why.message.replace(/^[^:]*: /, '')
  return new FionaError(
    'E_NOT_DECODED',
    `the destination does not take the object as it is, and its pixels cannot be decompressed: ${words}`,
    {
      hint: 'configure the destination to take this transfer syntax, or decompress the object before it is de-identified',
      exitCode: ExitCode.badInput,
      cause: typeof why === 'string' ? undefined : why,
    },
  )
}
