/** What is fed, and what may come of it: everything else is a finding. */
import { DicomFile, readAttributes } from '../../src/lib/dicom/index.ts'
import {
  PduType,
  ProtocolError,
  acceptAssociation,
  decodeCommandSet,
  encodeCommandSet,
  encodeControlPdu,
  readControlPdu,
  responseTo,
} from '../../src/lib/dimse/index.ts'
import { FionaError } from '../../src/lib/error/index.ts'
import { PixelMask, decodeJpeg, maskJpeg, maskRle } from '../../src/lib/pixels/index.ts'
import { chooseSyntax } from '../../src/lib/receive/index.ts'
import { converse } from './conversation.ts'
import { corpus } from './corpus.ts'
import { frameLayout } from './frames.ts'
import type { Random } from './random.ts'

export interface Target {
  readonly corpus: readonly Buffer[]
  /** Throws, or rejects, when something is found. */
  run(input: Buffer, random: Random): unknown
}

/** What a real receiver says of itself; the UID has the length of a real one. */
const own = {
  maxPduBytes: 16384,
  implementationClassUID: `2.25.${'1'.repeat(39)}`,
  implementationVersionName: 'FUZZ',
  choose: chooseSyntax(true),
}

const frameMask = PixelMask.of([[3, 3, 6, 6]], frameLayout.rows, frameLayout.columns)

export const targets: Readonly<Record<string, Target>> = {
  connection: { corpus: corpus.connections, run: converse },
  request: {
    corpus: corpus.requests,
    run: (input) => {
      const request = orProtocolError(() => readControlPdu(input[0] ?? 0, input.subarray(6)))
      if (request?.type !== PduType.AssociateRequest) return
      readControlPdu(
        PduType.AssociateAccept,
        encodeControlPdu(acceptAssociation(request, own)).subarray(6),
      )
    },
  },
  commandSet: {
    corpus: corpus.commandSets,
    run: (input) => {
      const command = orProtocolError(() => decodeCommandSet(input))
      if (command === undefined) return
      const answer = responseTo(command, { status: 0, comment: command.ErrorComment ?? '' })
      decodeCommandSet(encodeCommandSet(answer))
    },
  },
  pixels: {
    corpus: corpus.frames,
    run: (input) => {
      for (const tryFrame of [maskJpeg, decodeJpeg, maskRle]) {
        try {
          tryFrame(input, frameLayout, frameMask)
        } catch (error) {
          if (!(error instanceof FionaError) || error.code !== 'E_PIXELS') throw error
        }
      }
    },
  },
  file: {
    corpus: corpus.files,
    run: (input) => {
      for (const topLevelOnly of [true, false]) {
        try {
          const file = DicomFile.fromBuffer(input, { topLevelOnly })
          readAttributes(file)
          for (const { tag } of file.dataSet.elements) {
            file.strings(file.dataSet, tag)
            file.numbers(file.dataSet, tag)
          }
        } catch (error) {
          const isExpected =
            error instanceof FionaError && /^E_DICOM_(PARSE|LIMIT)$/.test(error.code)
          if (!isExpected) throw error
        }
      }
    },
  },
}

function orProtocolError<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
