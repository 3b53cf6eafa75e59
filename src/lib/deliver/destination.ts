import type { DestinationConfig } from '../config/index.ts'
import { type ExitCode, FionaError } from '../error/index.ts'
import type { CommitmentPolicy } from './verify/commitments.ts'
import { aeTitleRule, aeTitleTrouble } from './ae-title.ts'
import { DailyWindow, windowTrouble } from './lane/daily-window.ts'
import { type Target, readTarget, urlOf } from './target.ts'
import type { Refuse } from './target-settings.ts'
import type { Priority } from './lane/turns.ts'

export type {
  DicomTarget,
  FolderTarget,
  S3Target,
  SftpTarget,
  Target,
  WebTarget,
} from './target.ts'

export interface RetryPolicy {
  /** Tries after the first one. */
  readonly max: number
  readonly delaySeconds: number
  readonly multiplier: number
  readonly maxDelaySeconds: number
}

export interface Destination {
  /** What `transfer.destination` says: its name in the configuration, or its URL. */
  readonly name: string
  /** Where it really is: what the ledger goes by, so that a name given to another machine starts anew. */
  readonly url: string
  readonly target: Target
  readonly callingAETitle: string
  /** Objects on their way at once: associations, or files. */
  readonly concurrency: number
  readonly retry: RetryPolicy
  readonly timeoutSeconds: number
  readonly verify: 'none' | 'find' | 'commitment'
  /** For `commitment`. */
  readonly commitment: CommitmentPolicy & {
    /** Where we listen for reports; undefined: where fiona-scp does. */
    readonly port?: number
  }
  /** A million bits per second, over all connections; undefined is no limit. */
  readonly bandwidthMbit: number | undefined
  /** Outside of it nothing is sent that has more than `overBytes`. */
  readonly window: { readonly daily: DailyWindow; readonly overBytes: number } | undefined
  /** Each series goes as one file. */
  readonly packages: boolean
  /** `lossless`: pixels that are not taken as they are compressed are decompressed on the way. */
  readonly transcode: 'none' | 'lossless'
  /** Of its studies among each other. */
  readonly priority: Priority
}

const kinds = {
  folder: 'a folder',
  s3: 'an S3 store',
  sftp: 'an SFTP server',
  stow: 'a web service',
} as const

/** PACS that commit themselves look at night, or when a study was archived. */
export const usualCommitment: CommitmentPolicy = { waitSeconds: 3600, asks: 3 }

/** What a destination without configuration gets: a command typed by hand shall end soon. */
export const byHand = {
  callingAET: 'FIONA',
  concurrency: 2,
  retry: { max: 2, delaySeconds: 1, multiplier: 2, maxDelaySeconds: 10 },
  verify: 'none',
  commitment: { waitSeconds: 60, asks: 2 },
  timeoutSeconds: 60,
} as const satisfies Omit<DestinationConfig, 'url'>

/**
 * @param where names the place of the mistake: `--destination` or `destinations.X.url`
 * @throws FionaError E_DESTINATION, with `exitCode`
 */
export function readDestination(
  name: string,
  settings: DestinationConfig,
  where: string,
  exitCode: ExitCode,
): Destination {
  const refuse = (message: string, hint: string): FionaError =>
    new FionaError('E_DESTINATION', `${where}: ${message}`, { hint, exitCode })
  const trouble = aeTitleTrouble(settings.callingAET)
  if (trouble !== undefined) throw refuse(`the calling AE title ${trouble}`, aeTitleRule)
  const target = readTarget(settings, refuse)
  if (target.kind !== 'dicom' && settings.verify === 'commitment') {
    throw refuse(
      `${kinds[target.kind]} cannot be asked for storage commitment`,
      'that is a service of dicom: and dicoms:; leave verify out',
    )
  }
  if (target.kind !== 'dicom' && settings.transcode === 'lossless') {
    throw refuse(
      `to ${kinds[target.kind]} objects go as they are`,
      'transcode: lossless is for dicom: and dicoms:; leave it out',
    )
  }
  const packages = settings.packages !== undefined
  const isOfFiles = target.kind === 'folder' || target.kind === 'sftp'
  if (packages && !isOfFiles) {
    throw refuse('packages go as files', 'use sftp: or file:, or leave packages out')
  }
  if (isOfFiles && !packages && settings.verify === 'find') {
    throw refuse(`${kinds[target.kind]} cannot be asked with C-FIND`, 'leave verify out')
  }
  return {
    name,
    // Packages and single files are two things, also in one folder.
    url: packages ? `${urlOf(target)}#packages` : urlOf(target),
    target,
    callingAETitle: settings.callingAET.trim(),
    concurrency: settings.concurrency,
    retry: settings.retry,
    timeoutSeconds: settings.timeoutSeconds,
    verify: settings.verify,
    commitment: { ...usualCommitment, ...settings.commitment },
    bandwidthMbit: settings.bandwidthMbit ?? undefined,
    window: readWindow(settings, refuse),
    packages,
    transcode: settings.transcode ?? 'none',
    priority: settings.priority ?? 'normal',
  }
}

function readWindow(
  { window, windowOverBytes }: DestinationConfig,
  refuse: Refuse,
): Destination['window'] {
  if (window === undefined || window === null) return undefined
  const trouble = windowTrouble(window)
  if (trouble !== undefined) {
    throw refuse(`the window ${window} ${trouble}`, 'write it as 20:00-06:00, in local time')
  }
  return { daily: new DailyWindow(window), overBytes: windowOverBytes ?? -1 }
}
