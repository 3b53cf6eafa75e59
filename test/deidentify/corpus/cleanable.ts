/** Objects that rules alone can clean: what is planted is known from nowhere else, and no search would miss it. */
import {
  type TestElement,
  CT_IMAGE_STORAGE,
  dataSetBytes,
  el,
  encapsulated,
  raw,
  sq,
  syntax,
} from '../../fixtures/dicom-writer.ts'
import { ofPerson, removed } from '../planted.ts'
import { jpegFrame, rleFrame } from '../frames.ts'
import { code, ofClass, reference, stranger, unItem, withoutPixels } from './specimen.ts'

const who = `${stranger}^Abel`
const utf8 = (text: string) => even(Buffer.from(text))

function even(bytes: Buffer): Buffer {
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(' ')])
}

/** The same person in every VR that text fits. */
const everyText: TestElement[] = [
  el(0x00080092, 'ST', stranger),
  el(0x00081048, 'PN', who),
  el(0x00081060, 'PN', who),
  el(0x00084000, 'LT', stranger),
  el(0x00100021, 'LO', stranger),
  el(0x00101001, 'PN', who),
  el(0x00101005, 'PN', who),
  el(0x00101060, 'PN', who),
  el(0x00102110, 'LO', stranger),
  el(0x001021b0, 'LT', stranger),
  el(0x00102297, 'PN', who),
  el(0x00181004, 'LO', stranger),
  el(0x00181400, 'LO', stranger),
  el(0x00184000, 'LT', stranger),
  el(0x00380500, 'LO', stranger),
  el(0x00402400, 'LT', stranger),
]

const named = (characterSet: string | string[], name: Buffer): Buffer =>
  ofPerson({
    elements: [
      el(0x00080005, 'CS', characterSet),
      el(0x00100010, 'PN', even(name)),
      el(0x00101001, 'PN', even(name)),
      el(0x00104000, 'LT', even(name)),
      sq(0x00081115, [[el(0x00081048, 'PN', even(name))]]),
    ],
  })

const katakana = Buffer.from('d4cfc0de5ec0dbb3', 'hex')

const own: Readonly<Record<string, Buffer>> = {
  'every VR that text fits': ofPerson({ elements: everyText }),
  'PN with ideographic and phonetic groups in UTF-8': named(
    'ISO_IR 192',
    Buffer.from('Vexqolith^Abel=張偉明^阿=ヤマダタロウ^ア'),
  ),
  GB18030: named('GB18030', Buffer.from('d5c55ece b0c3f7'.replace(' ', ''), 'hex')),
  GBK: named('GBK', Buffer.from('d5c5ceb0c3f7', 'hex')),
  'ISO 2022 IR 58': named(['', 'ISO 2022 IR 58'], Buffer.from('1b242941d5c5ceb0c3f7', 'hex')),
  'JIS X 0201 katakana': named('ISO_IR 13', katakana),
  Cyrillic: named('ISO_IR 144', Buffer.from('c1dcd8e0ddded2e1dad0ef5ec6', 'hex')),
  Greek: named('ISO_IR 126', Buffer.from('d0e1f0e1e4eff0eff5eb5ec1', 'hex')),
  Hebrew: named('ISO_IR 138', Buffer.from('Vexqolith^\xe0\xe1', 'latin1')),
  Thai: named('ISO_IR 166', Buffer.from('Vexqolith^\xa1\xa2', 'latin1')),
  'items with a character set of their own': ofPerson({
    elements: [
      sq(0x00081115, [
        [el(0x00080005, 'CS', 'ISO_IR 192'), el(0x00081048, 'PN', utf8('Ödenwaldt^Смирновская'))],
      ]),
    ],
  }),
  'UTF-8 under a wrong declaration': ofPerson({
    elements: [el(0x00080005, 'CS', 'ISO_IR 101'), el(0x00104000, 'LT', utf8('Ödenwaldt 張偉明'))],
  }),
  'private sequences in private sequences': ofPerson({
    elements: [
      el(0x00110010, 'LO', stranger),
      sq(0x00111001, [[el(0x00110010, 'LO', 'X'), sq(0x00111002, [[el(0x00100010, 'PN', who)]])]]),
      raw(
        Buffer.concat([
          Buffer.from('11001010554e0000ffffffff', 'hex'),
          unItem([el(0x00100010, 'PN', who), sq(0x00081115, [[el(0x00081048, 'PN', who)]])]),
          Buffer.from('feffdde000000000', 'hex'),
        ]),
        0x00111010,
      ),
    ],
  }),
  'private elements without a creator': ofPerson({
    elements: [el(0x00131001, 'LO', who), el(0x00150001, 'LO', who), el(0x001510ff, 'UT', who)],
  }),
  'private elements named as safe': ofPerson({
    elements: [
      el(0x00190010, 'LO', 'SIEMENS MR HEADER'),
      el(0x0019100c, 'IS', stranger),
      sq(0x00080300, [
        [
          el(0x00080301, 'US', 0x19),
          el(0x00080302, 'LO', 'SIEMENS MR HEADER'),
          el(0x00080303, 'CS', 'SAFE'),
        ],
      ]),
    ],
  }),
  'groups of commands, file meta and directories in the data set': ofPerson({
    elements: [
      el(0x00000902, 'LO', stranger),
      el(0x00020016, 'AE', stranger),
      el(0x00041130, 'CS', stranger.toUpperCase()),
      el(0x00041500, 'CS', ['A', stranger.toUpperCase()]),
      el(0x00060001, 'LO', stranger),
    ],
  }),
  'curves, and overlays of high and odd groups': ofPerson({
    elements: [
      el(0x50000022, 'LO', stranger),
      el(0x50002500, 'LO', stranger),
      el(0x50003000, 'OW', utf8(`${stranger}0`)),
      el(0x501e0030, 'SH', stranger),
      el(0x601e0022, 'LO', stranger),
      el(0x601e1500, 'LO', stranger),
      el(0x601e3000, 'OW', utf8(`${stranger}0`)),
      el(0x60ff3000, 'OW', utf8(`${stranger}0`)),
    ],
  }),
  'an icon image': ofPerson({
    elements: [
      sq(0x00880200, [
        [
          el(0x00280010, 'US', 2),
          el(0x00280011, 'US', 5),
          el(0x00104000, 'LT', stranger),
          el(0x7fe00010, 'OB', utf8(`${stranger}0`)),
        ],
      ]),
    ],
  }),
  'pixel data inside of a kept sequence': ofPerson({
    elements: [
      sq(0x00283010, [[el(0x00283006, 'US', 1), el(0x7fe00010, 'OB', utf8(`${stranger}0`))]]),
      sq(0x00082218, [[...code('Brain'), encapsulated([utf8(`${stranger}0`)])]]),
    ],
  }),
  'fragments where no pixels are': ofPerson({
    elements: [encapsulated([utf8(`${stranger}0`)], Buffer.alloc(0), 0x00282000)],
  }),
  'original attributes, encrypted attributes and signatures': ofPerson({
    elements: [
      sq(0x04000561, [
        [
          sq(0x04000550, [[el(0x00100010, 'PN', who)]]),
          el(0x04000563, 'LO', stranger),
          el(0x04000564, 'LO', stranger),
        ],
      ]),
      sq(0x04000500, [[el(0x04000510, 'UI', '1.2.3'), el(0x04000520, 'OB', utf8(`${stranger}0`))]]),
      sq(0xfffafffa, [[el(0x04000115, 'OB', utf8(`${stranger}0`))]]),
      sq(0x4ffe0001, [[el(0x04000015, 'CS', stranger.toUpperCase())]]),
    ],
  }),
  'padding in an item, and group lengths in items': ofPerson({
    elements: [
      sq(0x00082218, [
        [el(0x00080000, 'UL', 1), ...code('Brain'), el(0xfffcfffc, 'OB', utf8(`${stranger}0`))],
      ]),
    ],
  }),
  'document attributes in an image': ofPerson({
    elements: [
      el(0x00420010, 'ST', stranger),
      el(0x00420011, 'OB', utf8(`%PDF ${stranger}`)),
      sq(0x0040a390, [
        [el(0x0040e001, 'ST', stranger), el(0x0040e010, 'UR', `http://x/${stranger}`)],
      ]),
    ],
  }),
  'machine codes with a URL, and query retrieve addresses': ofPerson({
    elements: [
      el(0x00081190, 'UR', `http://pacs/${stranger}`),
      el(0x00080054, 'AE', stranger),
      el(0x0008010e, 'UR', `http://x/${stranger}`),
      el(0x00400053 + 2, 'AE', stranger),
    ],
  }),
  'retired attributes': ofPerson({
    elements: [
      el(0x00080010, 'LO', stranger),
      el(0x00181011, 'LO', stranger),
      el(0x00203404, 'LO', stranger),
      el(0x00281080 - 0x1080 + 0x0050, 'LO', stranger),
      el(0x40000010, 'LT', stranger),
      el(0x40004000, 'LT', stranger),
      el(0x40080040, 'SH', stranger),
      el(0x40080042, 'LO', stranger),
      el(0x4008010c, 'PN', who),
      el(0x40080115, 'LT', stranger),
      el(0x40080300, 'ST', stranger),
    ],
  }),
  'a structured report': withoutPixels('88.33', [
    sq(0x0040a730, [
      [
        el(0x0040a010, 'CS', 'CONTAINS'),
        el(0x0040a040, 'CS', 'TEXT'),
        el(0x0040a160, 'UT', stranger),
      ],
      [el(0x0040a040, 'CS', 'PNAME'), el(0x0040a123, 'PN', who)],
      [el(0x0040a040, 'CS', 'NUM'), sq(0x0040a043, [code(stranger)])],
      [
        el(0x0040a040, 'CS', 'IMAGE'),
        sq(0x0040a043, [code(stranger)]),
        sq(0x00081199, [[...reference, el(0x00104000, 'LT', stranger)]]),
      ],
    ]),
    sq(0x0040a073, [[el(0x0040a027, 'LO', stranger), el(0x0040a075, 'PN', who)]]),
    sq(0x0040a078, [[el(0x0040a123, 'PN', who)]]),
  ]),
  'a key object note': withoutPixels('88.59', [
    sq(0x0040a730, [
      [el(0x0040a040, 'CS', 'TEXT'), el(0x0040a160, 'UT', stranger)],
      [el(0x0040a040, 'CS', 'IMAGE'), sq(0x00081199, [reference])],
    ]),
  ]),
  'a presentation state': withoutPixels('11.1', [
    el(0x00700080, 'CS', 'A'),
    el(0x00700081, 'LO', stranger),
    el(0x00700084, 'PN', who),
    sq(0x00700001, [
      [
        el(0x00700002, 'CS', 'L'),
        sq(0x00700008, [[el(0x00700006, 'ST', stranger)]]),
        sq(0x00700009, [[el(0x00700022, 'FL', [1, 2]), el(0x00700023, 'CS', 'POINT')]]),
      ],
    ]),
    sq(0x00700060, [[el(0x00700002, 'CS', 'L'), el(0x00700068, 'LO', stranger)]]),
  ]),
  'a structure set': withoutPixels('481.3', [
    el(0x30060002, 'SH', stranger),
    el(0x30060004, 'LO', stranger),
    el(0x30060006, 'ST', stranger),
    sq(0x30060020, [
      [el(0x30060022, 'IS', '1'), el(0x30060026, 'LO', stranger), el(0x30060028, 'ST', stranger)],
    ]),
    sq(0x30060080, [[el(0x30060085, 'SH', stranger), el(0x300600a6, 'PN', who)]]),
  ]),
  'a treatment plan': withoutPixels('481.5', [
    el(0x300a0002, 'SH', stranger),
    el(0x300a0003, 'LO', stranger),
    el(0x300a0004, 'ST', stranger),
    sq(0x300a00b0, [[el(0x300a00c3, 'ST', stranger)]]),
    el(0x300e0008, 'PN', who),
  ]),
  'a waveform with annotations': withoutPixels('9.1.1', [
    sq(0x0040b020, [[el(0x00700006, 'ST', stranger)]]),
    sq(0x54000100, [[el(0x003a0010, 'US', 1), el(0x54001010, 'OW', Buffer.alloc(8))]]),
  ]),
  'a segmentation': ofClass('66.4', [
    el(0x00700084, 'PN', who),
    el(0x00280100, 'US', 1),
    el(0x00280101, 'US', 1),
    el(0x00280102, 'US', 0),
    el(0x7fe00010, 'OB', Buffer.alloc(8)),
    sq(0x00620002, [[el(0x00620003 + 1, 'US', 1), el(0x00104000, 'LT', stranger)]]),
  ]),
  'a slide with its label text': ofClass('77.1.6', [
    el(0x22000002, 'UT', stranger),
    el(0x22000005, 'LT', stranger),
    el(0x00400512, 'LO', stranger),
    sq(0x00400560, [
      [
        el(0x00400551, 'LO', stranger),
        el(0x00400600, 'LO', stranger),
        el(0x00400602, 'UT', stranger),
      ],
    ]),
  ]),
  RLE: ofPerson({
    transferSyntax: syntax.rle,
    elements: [encapsulated([rleFrame(1)]), ...everyText],
  }),
  'JPEG-LS': ofPerson({
    transferSyntax: '1.2.840.10008.1.2.4.80',
    elements: [encapsulated([jpegFrame()]), ...everyText],
  }),
  'a deep tree of UNs': ofPerson({ elements: [el(0x00082218, 'UN', nestedUn(12))] }),
  'values of ACR-NEMA in front': ofPerson({
    transferSyntax: syntax.implicit,
    preamble: true,
    elements: [el(0x00080001, 'UL', 1), ...everyText],
  }),
  'UIDs of the standard that are none': ofPerson({
    elements: [
      sq(0x00081140, [
        [el(0x00081150, 'UI', CT_IMAGE_STORAGE), el(0x00081155, 'UI', '1.2.840.10008.77665544.1')],
      ]),
      el(0x00200052, 'UI', '1.2.840.10008.77665544.2'),
    ],
  }),
  'coding schemes and contexts with UIDs of a hospital': ofPerson({
    elements: [
      sq(0x00080110, [
        [el(0x00080102, 'SH', '99X'), el(0x00080116, 'ST', stranger), el(0x00080112, 'LO', 'X')],
      ]),
    ],
  }),
  'pictures of retired groups': ofPerson({
    elements: [0x7f000010, 0x7f000020, 0x7f020010, 0x7fe00020, 0x7fe00030].map((tag) =>
      el(tag, 'OW', utf8(`${stranger}0`)),
    ),
  }),
  'bytes behind a deflated data set': Buffer.concat([
    ofPerson({ transferSyntax: syntax.deflated }),
    utf8(`${stranger}0`),
  ]),
  'persons in attributes that no table names': ofPerson({
    elements: [
      el(0x0008041b, 'OB', utf8(`${stranger}0`)),
      el(0x00140100, 'LO', stranger),
      el(0x00720008, 'LO', stranger),
      el(0x0074100c, 'LO', stranger),
      el(0x00741204, 'LO', stranger),
      el(0x20000050, 'LO', stranger),
      el(0x21000160, 'SH', stranger),
      el(0x30020002, 'SH', stranger),
      el(0x30020003, 'LO', stranger),
      el(0x30040006, 'LO', stranger),
      el(0x4010101a, 'SH', stranger),
      el(0x40101051, 'LO', stranger),
    ],
  }),
  'a repeated tag inside of an item': ofPerson({
    elements: [
      sq(0x00082218, [
        [...code('Brain'), raw(dataSetBytes([el(0x00080104, 'LO', stranger)]), 0x00080105)],
      ]),
    ],
  }),
}

function nestedUn(depth: number): Buffer {
  const inside = depth === 0 ? [] : [el(0x00082218, 'UN', nestedUn(depth - 1))]
  return unItem([...code('Brain'), el(0x00104000, 'LT', stranger), ...inside])
}

export const cleanable: Readonly<Record<string, Buffer>> = { ...removed, ...own }
