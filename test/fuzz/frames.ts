import { layout } from '../pixels/images.ts'

/** What the frames say of themselves, too. */
export const frameLayout = layout({ rows: 16, columns: 16 })

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
/** Five codes of three bits: differences of up to four bits, or the ends and small values of a block. */
const table = (slot: string, symbols: string) =>
  hex(`ffc4 0018 ${slot} 0000 05 ${'00'.repeat(13)} ${symbols}`)
const quantization = hex(`ffdb 0043 00 ${'02'.repeat(64)}`)
const tables = Buffer.concat([table('00', '0001020304'), table('10', '0001021103')])

function frame(
  process: string,
  scan: string,
  bits: string,
  ...segments: readonly Buffer[]
): Buffer {
  const header = hex(`${process} 000b 08 0010 0010 01 01 11 00`)
  return Buffer.concat([
    hex('ffd8'),
    quantization,
    header,
    tables,
    ...segments,
    hex(scan),
    hex(bits),
    hex('ffd9'),
  ])
}

/** Of 16 x 16 pixels: what is right, or nearly so, in each process. */
export const frames: readonly Buffer[] = [
  frame('ffc0', 'ffda 0008 01 01 00 00 3f 00', '000000'),
  frame('ffc1', 'ffda 0008 01 01 00 00 3f 00', '00ffd000ffd100ffd200', hex('ffdd 0004 0001')),
  frame(
    'ffc0',
    'ffda 0008 01 01 00 00 3f 00',
    '3060c18f',
    hex('ffee 000e 41646f6265 006400000000 00'),
  ),
  frame('ffc3', 'ffda 0008 01 01 00 01 00 00', '00'.repeat(96)),
  frame('ffc3', 'ffda 0008 01 01 00 07 00 01', '00'.repeat(96)),
  Buffer.concat([hex('01000000 40000000'), Buffer.alloc(56), hex('f100'.repeat(16))]),
]
