import { accessSync, constants } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DestinationConfig } from '../config/index.ts'
import { type ExitCode, FionaError } from '../error/index.ts'
import type { CommitmentPolicy } from './verify/commitments.ts'

/** Objects are copied below a folder. */
export interface FolderTarget {
  readonly kind: 'folder'
  readonly directory: string
}
/** Objects are sent with C-STORE. */
export interface DicomTarget {
  readonly kind: 'dicom'
  readonly host: string
  readonly port: number
  readonly calledAETitle: string
  /** Present for `dicoms:`. */
  readonly tls?: {
    readonly caFile?: string
    readonly certFile?: string
    readonly keyFile?: string
  }
}
export type Target = FolderTarget | DicomTarget

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
}

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
 * PS3.5 6.2, AE: 1 to 16 characters, no backslash, no control characters, not only blanks.
 * @returns what is wrong with it, to stand behind its name
 */
export function aeTitleTrouble(title: string): string | undefined {
  const shown = JSON.stringify(title.slice(0, 40))
  if (title.trim() === '') return 'is missing'
  if (title.length > 16)
    return `${shown} has ${String(title.length)} characters, and may have 1 to 16`
  if (/[\\\u0000-\u001f\u007f-\uffff]/.test(title)) {
    return `${shown} has a character that is not allowed there`
  }
  return undefined
}
/** The hint beside it. */
export const aeTitleRule = 'an AE title has 1 to 16 ASCII characters without backslash (PS3.5 6.2)'

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
  if (target.kind === 'folder' && settings.verify !== 'none') {
    const asked = settings.verify === 'find' ? 'with C-FIND' : 'for storage commitment'
    throw refuse(`a folder cannot be asked ${asked}`, 'leave verify out for a folder')
  }
  return {
    name,
    url: urlOf(target),
    target,
    callingAETitle: settings.callingAET.trim(),
    concurrency: settings.concurrency,
    retry: settings.retry,
    timeoutSeconds: settings.timeoutSeconds,
    verify: settings.verify,
    commitment: { ...usualCommitment, ...settings.commitment },
  }
}

type Refuse = (message: string, hint: string) => FionaError
const forms = 'dicom://CALLEDAET@host:port, dicoms://CALLEDAET@host:port or file:/path'

function readTarget(settings: DestinationConfig, refuse: Refuse): Target {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(settings.url)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'file':
      return { kind: 'folder', directory: readFolder(settings.url.slice('file:'.length), refuse) }
    case 'dicom':
      return readPeer(settings.url, 104, refuse)
    case 'dicoms': {
      const { caFile, certFile, keyFile } = settings
      const files = Object.entries({ caFile, certFile, keyFile }).flatMap(([key, path]) =>
        path === undefined ? [] : [[key, path] as const],
      )
      for (const [key, path] of files) {
        if (!isReadable(path)) throw refuse(`${key} ${path} cannot be read`, 'it is a PEM file')
      }
      // 2762 is dicom-tls, PS3.15 annex B.
      return { ...readPeer(settings.url, 2762, refuse), tls: Object.fromEntries(files) }
    }
    case 'http':
    case 'https':
    case 'sftp':
      throw refuse(`fiona-send cannot deliver by ${scheme} yet`, `use ${forms}`)
    default:
      throw refuse(
        `${JSON.stringify(settings.url.slice(0, 100))} is no destination`,
        `use ${forms}`,
      )
  }
}

/** `file:relative` and `file:/path` are taken as they are, `file:///path` is decoded as a URL. */
function readFolder(text: string, refuse: Refuse): string {
  if (text === '' || text.includes('\0')) throw refuse('a folder is missing', 'use file:/path')
  if (!text.startsWith('//')) return isAbsolute(text) ? resolve(text) : resolve(process.cwd(), text)
  try {
    return resolve(fileURLToPath(`file:${text}`))
  } catch {
    throw refuse('a folder on another machine cannot be reached', 'mount it, and use file:/path')
  }
}

function readPeer(text: string, standardPort: number, refuse: Refuse): DicomTarget {
  const peer = /^[a-z]+:\/\/(?:([^@/]*)@)?(\[[0-9a-f:.]+\]|[^:/@[\]\s]+)(?::(\d{1,5}))?\/?$/i.exec(
    text,
  )
  const [, user, host, digits] = peer ?? []
  if (host === undefined) throw refuse('this is no address', `use ${forms}`)
  const calledAETitle = decode(user ?? '')
  const trouble = aeTitleTrouble(calledAETitle)
  if (trouble !== undefined) {
    throw refuse(`the called AE title ${trouble}`, `use ${forms}; ${aeTitleRule}`)
  }
  const port = digits === undefined ? standardPort : Number(digits)
  if (port < 1 || port > 65535)
    throw refuse(`${String(port)} is no port`, 'ports go from 1 to 65535')
  return {
    kind: 'dicom',
    host: host.replace(/^\[|\]$/g, ''),
    port,
    calledAETitle: calledAETitle.trim(),
  }
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** One spelling for one place. */
function urlOf(target: Target): string {
  if (target.kind === 'folder') return `file:${target.directory}`
  const host = target.host.includes(':') ? `[${target.host}]` : target.host.toLowerCase()
  const scheme = target.tls === undefined ? 'dicom' : 'dicoms'
  return `${scheme}://${encodeURIComponent(target.calledAETitle)}@${host}:${String(target.port)}`
}
