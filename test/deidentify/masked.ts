import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type DeidentifierOptions,
  basicProfile,
  compilePixelRules,
} from '../../src/lib/deidentify/index.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { type TestElement, ctImage, el } from '../fixtures/dicom-writer.ts'
import { run } from '../fixtures/peers.ts'
import { noise } from '../pixels/images.ts'

/** A project whose profile has these rules for pixels. */
export function withPixels(pixels: unknown): Partial<DeidentifierOptions> {
  return {
    profileOf: () => ({ ...basicProfile(), pixels: compilePixelRules(pixels, 'pixels') }),
  }
}

export interface Picture {
  readonly rows?: number
  readonly columns?: number
  readonly frames?: number
  readonly samples?: 1 | 3
  readonly bits?: 8 | 12 | 16
  readonly isSigned?: boolean
  readonly interpretation?: string
  readonly isPlanar?: boolean
  readonly transferSyntax?: string
  readonly pixels?: Buffer
  readonly elements?: readonly TestElement[]
}

/** An ultrasound image that does not say that nothing is burned in, with smooth shades and some noise in them. */
export function picture(options: Picture = {}): Buffer {
  const { rows = 40, columns = 56, frames = 1, samples = 1, bits = 8 } = options
  const allocated = bits === 8 ? 8 : 16
  return ctImage({
    rows,
    columns,
    ...(options.transferSyntax === undefined ? {} : { transferSyntax: options.transferSyntax }),
    elements: [
      el(0x00080008, 'CS', 'ORIGINAL\\PRIMARY'),
      el(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.6.1'),
      el(0x00080060, 'CS', 'US'),
      el(0x00080070, 'LO', 'Maker of Scanners'),
      el(0x00280002, 'US', samples),
      el(0x00280004, 'CS', options.interpretation ?? (samples === 3 ? 'RGB' : 'MONOCHROME2')),
      ...(samples === 3 ? [el(0x00280006, 'US', options.isPlanar === true ? 1 : 0)] : []),
      el(0x00280008, 'IS', String(frames)),
      el(0x00280100, 'US', allocated),
      el(0x00280101, 'US', bits),
      el(0x00280102, 'US', bits - 1),
      el(0x00280103, 'US', options.isSigned === true ? 1 : 0),
      // Given ones take its place.
      ...(options.elements?.some(({ tag }) => tag === 0x7fe00010) === true
        ? []
        : [
            el(
              0x7fe00010,
              'OW',
              options.pixels ?? shades(rows * columns * samples * frames, columns, bits),
            ),
          ]),
      ...(options.elements ?? []),
    ],
  })
}

function shades(count: number, columns: number, bits: number): Buffer {
  const specks = noise(count)
  const bytes = Buffer.alloc(bits === 8 ? count : count * 2)
  for (let at = 0; at < count; at++) {
    const part = ((at % columns) + Math.floor(at / columns)) / (columns + count / columns)
    const value = Math.floor(part * 0.9 * 2 ** bits) + ((specks[at] ?? 0) >> 4)
    if (bits === 8) bytes[at] = value
    else bytes.writeUInt16LE(value % 2 ** bits, at * 2)
  }
  return bytes
}

/** What a command makes of a file, from a path to a path. */
export async function converted(
  folder: string,
  object: Buffer,
  command: string,
  ...options: readonly string[]
): Promise<Buffer> {
  const [from, to] = [join(folder, 'from.dcm'), join(folder, 'to.dcm')]
  writeFileSync(from, object)
  const { code, stderr } = await run(command, [...options, from, to], {
    env: { ...process.env, TCP_NODELAY: '1' },
  })
  if (code !== 0) throw new Error(`${command} ${options.join(' ')}: ${stderr}`)
  return readFileSync(to)
}

/** The native pixels of a file, and what else the tests ask for. */
export function pixelsOf(object: Buffer): Buffer {
  const file = DicomFile.fromBuffer(object)
  const element = file.dataSet.get(0x7fe00010)
  if (element === undefined) throw new Error('no pixels')
  return file.bytes(element)
}
