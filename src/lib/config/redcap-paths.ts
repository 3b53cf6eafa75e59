import { resolve } from 'node:path'
import { credentialOr } from './credential.ts'
import type { ConfigFile } from './schema.ts'

type Redcap = NonNullable<ConfigFile['requests'][number]['redcap']>

const fileKeys = [
  'tokenFile',
  'projectsTokenFile',
  'routingTokenFile',
  'couplingTokenFile',
  'autoIdTokenFile',
  'caFile',
] as const

/** The same with every path absolute, or where systemd has put the secret. */
export function redcapFrom(redcap: Redcap, base: string): Redcap {
  const absolute = (path: string): string => credentialOr(resolve(base, path))
  const files = fileKeys.flatMap((key) => {
    const path = redcap[key]
    return path === undefined ? [] : [[key, absolute(path)] as const]
  })
  const own = redcap.ownTokenFiles
  return {
    ...redcap,
    ...Object.fromEntries(files),
    ...(own === undefined
      ? {}
      : {
          ownTokenFiles: Object.fromEntries(
            Object.entries(own).map(([project, path]) => [project, absolute(path)]),
          ),
        }),
  }
}
