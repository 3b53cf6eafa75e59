import type { Logger } from 'pino'
import type { Digester } from '../../digest/index.ts'
import type { Carrier } from '../carrier.ts'
import type { Destination } from '../destination.ts'
import { Throttle } from '../throttle.ts'
import { DicomCarrier } from './dicom/carry-by-dicom.ts'
import { FolderCarrier } from './folder/carry-to-folder.ts'
import { PackageCarrier } from './package/carry-packages.ts'
import { placeOf } from './package/package-place.ts'
import { S3Carrier } from './s3/carry-to-s3.ts'
import { SftpCarrier } from './sftp/carry-by-sftp.ts'
import { StowCarrier } from './stow/carry-by-stow.ts'

export interface CarrierTools {
  readonly log: Logger
  /** A directory of ours for what must lie on disk before it goes. */
  readonly spool: string
  /** For all of them one. */
  readonly digester: Digester
}

/** The way to a destination. */
export function carrierFor(destination: Destination, tools: CarrierTools): Carrier {
  const { target, bandwidthMbit } = destination
  const throttle = new Throttle(bandwidthMbit)
  const place = destination.packages ? placeOf(destination, throttle) : undefined
  if (place !== undefined) return new PackageCarrier(place, tools.spool)
  switch (target.kind) {
    case 'folder':
      return new FolderCarrier(target.directory, throttle)
    case 'dicom':
      return new DicomCarrier(destination, target, { ...tools, throttle })
    case 's3':
      return new S3Carrier(destination, target, throttle)
    case 'sftp':
      return new SftpCarrier(destination, target, throttle)
    case 'stow':
      return new StowCarrier(destination, target, throttle, tools.log)
  }
}
