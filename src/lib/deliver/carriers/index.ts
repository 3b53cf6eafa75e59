import type { Logger } from 'pino'
import type { Carrier } from '../carrier.ts'
import type { Destination } from '../destination.ts'
import { dicomCarrier } from './dicom/carry-by-dicom.ts'
import { folderCarrier } from './folder/carry-to-folder.ts'

/** The way to a destination. */
export function carrierFor(destination: Destination, log: Logger): Carrier {
  const { target } = destination
  switch (target.kind) {
    case 'folder':
      return folderCarrier(target.directory)
    case 'dicom':
      return dicomCarrier(destination, target, log)
  }
}
