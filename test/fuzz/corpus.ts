/** What is right, small and of every kind: mutations begin here. */
import {
  ctElements,
  dataSetBytes,
  dicomFile,
  encapsulated,
  el,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'
import {
  associateRq,
  echoCommand,
  echoPdu,
  fragments,
  item,
  pData,
  proposed,
  releaseRq,
  storeCommand,
  storePdus,
  uid,
  usualUserItems,
} from '../fixtures/odd-client.ts'
import { frames } from './frames.ts'

const elements = [
  ...ctElements({ rows: 2, columns: 2 }),
  sq(0x00081115, [[el(0x0020000e, 'UI', '2.25.7'), sq(0x00081199, [[], []])]]),
]
const SOPInstanceUID = '2.25.30011'
const dataSets = [
  dataSetBytes(elements),
  dataSetBytes(elements, { explicitVR: false }),
  dataSetBytes(elements, { undefinedLengths: true }),
  dataSetBytes(elements, { littleEndian: false }),
]
const everyUserItem = [
  ...usualUserItems,
  item(0x53, Buffer.of(0, 0, 0, 0)),
  item(0x54, Buffer.concat([Buffer.of(0, 25), Buffer.from(uid.ctImageStorage), Buffer.of(1, 1)])),
  item(0x56, Buffer.concat([Buffer.of(0, 17), Buffer.from(uid.verification), Buffer.of(1)])),
  item(
    0x58,
    Buffer.concat([
      Buffer.of(2, 1, 0, 4),
      Buffer.from('user'),
      Buffer.of(0, 4),
      Buffer.from('pass'),
    ]),
  ),
]
/** As long as it may be: lengths add up. */
const longUid = `1.${'2'.repeat(62)}`
const longRole = Buffer.concat([Buffer.of(0, 64), Buffer.from(longUid), Buffer.of(1, 1)])
const requests = [
  associateRq({ contexts: [proposed(1, longUid)], userItems: [item(0x54, longRole)] }),
  associateRq(),
  associateRq({ userItems: everyUserItem }),
  associateRq({
    contexts: Array.from({ length: 10 }, (_, n) =>
      proposed(2 * n + 1, uid.ctImageStorage, [uid.explicit, uid.implicit]),
    ),
  }),
]
const [dataSet = Buffer.alloc(0)] = dataSets
const command = storeCommand({ SOPInstanceUID })
const usual = associateRq()

export const corpus = {
  /** Whole connections. */
  connections: [
    Buffer.concat([usual, echoPdu(), releaseRq]),
    ...requests.map((request) =>
      Buffer.concat([request, storePdus({ SOPInstanceUID, dataSet }), releaseRq]),
    ),
    // Command and data in one PDU, many fragments in a PDU, commands in pieces.
    Buffer.concat([
      usual,
      pData(...fragments(1, true, command, 9999), ...fragments(1, false, dataSet, 300)),
      releaseRq,
    ]),
    Buffer.concat([
      usual,
      ...fragments(1, true, command, 11).map((one) => pData(one)),
      ...fragments(1, false, dataSet, 90).map((one) => pData(one)),
      echoPdu(2),
      releaseRq,
    ]),
  ],
  requests,
  commandSets: [command, echoCommand()],
  /** Compressed frames, alone. */
  frames,
  files: [
    ...dataSets,
    dicomFile({ elements }),
    dicomFile({ elements, transferSyntax: syntax.implicit }),
    dicomFile({ elements, transferSyntax: syntax.bigEndian }),
    dicomFile({ elements, transferSyntax: syntax.deflated }),
    dicomFile({
      elements: [
        ...elements.filter(({ tag }) => tag !== 0x7fe00010),
        encapsulated([Buffer.alloc(20, 1)]),
      ],
      transferSyntax: syntax.rle,
    }),
  ],
} as const
