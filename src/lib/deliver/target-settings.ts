import { accessSync, constants, statSync } from 'node:fs'
import { type DestinationConfig, isOpenToOthers } from '../config/index.ts'
import type { FionaError } from '../error/index.ts'

/** Makes the error that tells of a mistake in the configuration. */
export type Refuse = (message: string, hint: string) => FionaError

/** Hosts to which nothing crosses a network. */
export const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

export type PemFiles = Pick<DestinationConfig, 'caFile' | 'certFile' | 'keyFile'>

/** Those that are named. */
export function pemFiles({ caFile, certFile, keyFile }: PemFiles, refuse: Refuse): PemFiles {
  const files = Object.entries({ caFile, certFile, keyFile }).flatMap(([key, path]) =>
    path === undefined ? [] : [[key, path] as const],
  )
  for (const [key, path] of files) {
    if (!isReadable(path)) throw refuse(`${key} ${path} cannot be read`, 'it is a PEM file')
  }
  return Object.fromEntries(files)
}

/** It is read, and looked at again, when it is needed; a mistake shall show at start. */
export function requireSecret(key: string, path: string, refuse: Refuse): void {
  if (!isReadable(path)) throw refuse(`${key} ${path} cannot be read`, 'is the path right?')
  if (isOpenToOthers(path, statSync(path).mode)) {
    throw refuse(`others may read the ${key} ${path}`, `chmod 600 ${path}`)
  }
}

export function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

export function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
