import type { Logger } from 'pino'
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

/**
 * The way to a destination.
 * @param spool a directory of ours for what must lie on disk before it goes
 */
export function carrierFor(destination: Destination, log: Logger, spool: string): Carrier {
  const { target, bandwidthMbit } = destination
  const throttle = new Throttle(bandwidthMbit)
  const place = destination.packages ? placeOf(destination, throttle) : undefined
  if (place !== undefined) return new PackageCarrier(place, spool)
  switch (target.kind) {
    case 'folder':
      return new FolderCarrier(target.directory, throttle)
    case 'dicom':
      return new DicomCarrier(destination, target, throttle, log, spool)
    case 's3':
      return new S3Carrier(destination, target, throttle)
    case 'sftp':
      return new SftpCarrier(destination, target, throttle)
    case 'stow':
      return new StowCarrier(destination, target, throttle, log)
  }
}
