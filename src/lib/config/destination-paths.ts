import { resolve } from 'node:path'
import { credentialOr } from './credential.ts'
import type { ConfigFile } from './schema.ts'

type Destinations = ConfigFile['destinations']
type Destination = Destinations[string]

const fileKeys = [
  'privateKeyFile',
  'passphraseFile',
  'knownHostsFile',
  'caFile',
  'certFile',
  'keyFile',
  'tokenFile',
  'passwordFile',
  'credentialsFile',
] as const

/**
 * Destinations with every path absolute, that of a `file:` URL too: a copy of the configuration that
 * lies elsewhere then means the same.
 */
export function destinationsFrom(destinations: Destinations, base: string): Destinations {
  return Object.fromEntries(
    Object.entries(destinations).map(([name, destination]) => [name, absolute(destination, base)]),
  )
}

function absolute(destination: Destination, base: string): Destination {
  const paths = fileKeys.flatMap((key) => {
    const path = destination[key]
    return path === undefined ? [] : [[key, credentialOr(resolve(base, path))] as const]
  })
  const folder = /^file:(?!\/)(.+)$/.exec(destination.url)?.[1]
  return {
    ...destination,
    ...Object.fromEntries(paths),
    ...(folder === undefined ? {} : { url: `file:${resolve(base, folder)}` }),
  }
}
