import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DestinationConfig } from '../config/index.ts'
import type { WebService } from '../dicomweb/index.ts'
import { aeTitleRule, aeTitleTrouble } from './ae-title.ts'
import { type S3Target, readS3, s3Url } from './s3-target.ts'
import {
  type Refuse,
  decode,
  isReadable,
  loopback,
  pemFiles,
  requireSecret,
} from './target-settings.ts'

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
/** Objects are sent with STOW-RS. */
export interface WebTarget extends Omit<WebService, 'timeoutSeconds' | 'connections'> {
  readonly kind: 'stow'
  /** What one request may hold. */
  readonly batch: { readonly objects: number; readonly bytes: number }
}
/** Objects are copied below a folder of an SSH server. */
export interface SftpTarget {
  readonly kind: 'sftp'
  readonly host: string
  readonly port: number
  readonly user: string
  /** Absolute, or below where the user lands. */
  readonly directory: string
  readonly privateKeyFile: string
  readonly passphraseFile?: string | undefined
  /** The server must have a key that stands there for it. */
  readonly knownHostsFile: string
}
export type { S3Target } from './s3-target.ts'
export type Target = FolderTarget | DicomTarget | WebTarget | SftpTarget | S3Target

const forms =
  'dicom://CALLEDAET@host:port, dicoms://CALLEDAET@host:port, https://host/dicom-web, sftp://user@host/path, s3://bucket/prefix or file:/path'

/**
 * @param refuse makes the error that tells of a mistake
 * @throws what `refuse` makes
 */
export function readTarget(settings: DestinationConfig, refuse: Refuse): Target {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(settings.url)?.[1]?.toLowerCase()
  switch (scheme) {
    case 'file':
      return { kind: 'folder', directory: readFolder(settings.url.slice('file:'.length), refuse) }
    case 'dicom':
      return readPeer(settings.url, 104, refuse)
    case 'dicoms':
      // 2762 is dicom-tls, PS3.15 annex B.
      return { ...readPeer(settings.url, 2762, refuse), tls: pemFiles(settings, refuse) }
    case 'http':
    case 'https':
      return readWeb(settings, refuse)
    case 'sftp':
      return readSftp(settings, refuse)
    case 's3':
      return readS3(settings, refuse)
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
  const port = requirePort(digits === undefined ? standardPort : Number(digits), refuse)
  return {
    kind: 'dicom',
    host: host.replace(/^\[|\]$/g, ''),
    port,
    calledAETitle: calledAETitle.trim(),
  }
}

/** A request that fails is sent again whole: so it is not made of thousands. */
const usualBatch = { objects: 100, bytes: 64 << 20 }

function readWeb(settings: DestinationConfig, refuse: Refuse): WebTarget {
  const { tokenFile, passwordFile, batch } = settings
  const url = URL.canParse(settings.url) ? new URL(settings.url) : undefined
  if (url === undefined) throw refuse('this is no address', `use ${forms}`)
  if (url.username !== '' || url.password !== '') {
    throw refuse(
      'a secret in a URL is seen by everybody',
      'write user:password into a file of mode 0600, and name it as passwordFile',
    )
  }
  if (url.search !== '' || url.hash !== '') {
    throw refuse(
      'the address has more than a path',
      'write the DICOMweb root: what stands before /studies',
    )
  }
  const secrets = Object.entries({ tokenFile, passwordFile }).flatMap(([key, path]) =>
    path === undefined ? [] : [[key, path] as const],
  )
  if (secrets.length > 1) throw refuse('there are two secrets', 'give tokenFile or passwordFile')
  for (const [key, path] of secrets) {
    requireSecret(key, path, refuse)
    if (url.protocol === 'http:' && !loopback.test(url.hostname)) {
      throw refuse(`the secret of ${key} would cross the network for all to read`, 'use https:')
    }
  }
  return {
    kind: 'stow',
    root: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    ...pemFiles(settings, refuse),
    ...Object.fromEntries(secrets),
    batch: { ...usualBatch, ...batch },
  }
}

function readSftp(settings: DestinationConfig, refuse: Refuse): SftpTarget {
  const { privateKeyFile, passphraseFile, knownHostsFile } = settings
  const parts =
    /^sftp:\/\/(?:([^@/]*)@)?(\[[0-9a-f:.]+\]|[^:/@[\]\s]+)(?::(\d{1,5}))?(\/[^?#\0]*)?$/i.exec(
      settings.url,
    )
  const [, user = '', host, digits = '22', path = '/'] = parts ?? []
  if (host === undefined) throw refuse('this is no address', 'use sftp://user@host:port/path')
  if (user.includes(':')) {
    throw refuse('a secret in a URL is seen by everybody', 'log in with a key: privateKeyFile')
  }
  if (user === '') throw refuse('the user is missing', 'use sftp://user@host:port/path')
  const directory = decode(path)
  if (directory.split('/').includes('..') || directory.includes('\0')) {
    throw refuse('the path leads out of itself', 'write it without ..')
  }
  if (privateKeyFile === undefined || knownHostsFile === undefined) {
    throw refuse(
      `${privateKeyFile === undefined ? 'privateKeyFile' : 'knownHostsFile'} is missing`,
      'name in the configuration the key to log in with, and a file with the key of the server as in ~/.ssh/known_hosts',
    )
  }
  requireSecret('privateKeyFile', privateKeyFile, refuse)
  if (passphraseFile !== undefined) requireSecret('passphraseFile', passphraseFile, refuse)
  if (!isReadable(knownHostsFile)) {
    throw refuse(`knownHostsFile ${knownHostsFile} cannot be read`, 'is the path right?')
  }
  return {
    kind: 'sftp',
    host: host.replace(/^\[|\]$/g, '').toLowerCase(),
    port: requirePort(Number(digits), refuse),
    user: decode(user),
    directory: (directory.startsWith('/~')
      ? directory.slice(2).replace(/^\/+/, '')
      : directory
    ).replace(/(.)\/+$/, '$1'),
    privateKeyFile,
    passphraseFile,
    knownHostsFile,
  }
}

function requirePort(port: number, refuse: Refuse): number {
  if (port >= 1 && port <= 65535) return port
  throw refuse(`${String(port)} is no port`, 'ports go from 1 to 65535')
}

/** One spelling for one place. */
export function urlOf(target: Target): string {
  if (target.kind === 'folder') return `file:${target.directory}`
  if (target.kind === 'stow') return target.root
  if (target.kind === 's3') return s3Url(target)
  if (target.kind === 'sftp') {
    const { user, host, port, directory } = target
    const path = directory.startsWith('/') ? directory : `/~/${directory}`
    const address = host.includes(':') ? `[${host}]` : host
    return `sftp://${encodeURIComponent(user)}@${address}:${String(port)}${encodeURI(path)}`
  }
  const host = target.host.includes(':') ? `[${target.host}]` : target.host.toLowerCase()
  const scheme = target.tls === undefined ? 'dicom' : 'dicoms'
  return `${scheme}://${encodeURIComponent(target.calledAETitle)}@${host}:${String(target.port)}`
}
