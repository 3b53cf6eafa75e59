// A carrier for C-STORE, an object from any file, and a program that is waited for.
import { lstatSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { DicomCarrier } from '../../../../src/lib/deliver/carriers/dicom/carry-by-dicom.ts'
import type { StudyObject } from '../../../../src/lib/deliver/list-objects.ts'
import { Throttle } from '../../../../src/lib/deliver/throttle.ts'
import { DicomFile } from '../../../../src/lib/dicom/index.ts'
import { parseUid } from '../../../../src/lib/uid/index.ts'
import { digester } from '../../../fixtures/digester.ts'
import { temporary } from '../../studies.ts'
import { destinationAt } from '../waybill.ts'

export function carrierTo(url: string, more: object = {}): DicomCarrier {
  const destination = destinationAt(url, { concurrency: 1, timeoutSeconds: 20, ...more })
  if (destination.target.kind !== 'dicom') throw new Error('no DICOM')
  const log = pino({ enabled: false })
  const [throttle, spool] = [new Throttle(undefined), join(temporary(), 'spool')]
  return new DicomCarrier(destination, destination.target, { throttle, log, spool, digester })
}

export function objectIn(path: string): StudyObject {
  using file = DicomFile.open(path, { stopAtPixelData: true })
  const uid = (tag: number) => parseUid(file.string(file.dataSet, tag), 'UID')
  const { size, mtimeMs } = lstatSync(path)
  return {
    ...{ path, name: path, size, mtimeMs },
    SOPClassUID: uid(0x00080016),
    SOPInstanceUID: uid(0x00080018),
    SeriesInstanceUID: uid(0x0020000e),
    StudyInstanceUID: uid(0x0020000d),
    transferSyntaxUID: parseUid(file.transferSyntaxUID, 'TransferSyntaxUID'),
    dataSetOffset: file.dataSetOffset,
  }
}

export async function listening(port: number): Promise<void> {
  for (;;) {
    const isUp = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => {
        resolve(false)
      })
    })
    if (isUp === true) return
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}
