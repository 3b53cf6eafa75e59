import type { FrontDoorOf } from './prepare-site.ts'

/** One process of the chain. */
export interface ChainProcess {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

export interface ChainParts {
  /** Whether modalities are listened to (`mpps` in the configuration). */
  readonly mpps?: boolean
}

/**
 * The standard chain, in the order of starting: what takes comes before what gives, so that the port
 * answers when everything behind it is ready. It stops in the opposite order, and drained.
 * The same pipelines stand, with comments, in pipelines/standard-chain.sh.
 */
export function standardChain(
  frontDoors: readonly FrontDoorOf[],
  parts: ChainParts = {},
): readonly ChainProcess[] {
  return [
    stage('deliver', 'outbox', 'sent', 'fiona-send'),
    stage('deidentify', 'organized', 'outbox', 'fiona-anon'),
    stage('organize', 'received', 'organized', 'fiona-arrive | fiona-classify | fiona-organize'),
    ...frontDoors.map(doorOf),
    ...(parts.mpps === true
      ? [{ name: 'mpps', command: 'fiona-mpps', args: ['--journal', 'received'] }]
      : []),
    { name: 'receiver', command: 'fiona-scp', args: ['--journal', 'received'] },
  ]
}

/**
 * Longer than the stage of a killed chain may drain (`--drain-seconds`): that it is still ending when the
 * next one begins is no error.
 */
const waitSeconds = '60'

function doorOf({ journal, path }: FrontDoorOf): ChainProcess {
  const args = ['--front-door', path, '--journal', journal]
  return journal === 'received'
    ? { name: 'front-door', command: 'fiona-import', args }
    : { name: `front-door-${journal}`, command: 'fiona-import', args: [...args, '--records-only'] }
}

function stage(name: string, from: string, to: string, pipeline: string): ChainProcess {
  return {
    name,
    command: 'fiona-stage',
    args: [
      ...['--name', name, '--from', from, '--to', to],
      ...['--wait-seconds', waitSeconds, '--', pipeline],
    ],
  }
}
