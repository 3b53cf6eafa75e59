import type { Config } from '../config/index.ts'

/** One process of the chain. */
export interface ChainProcess {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

export interface ChainParts {
  /** Whether modalities are listened to (`mpps` in the configuration). */
  readonly mpps?: boolean
  /** Folders that are emptied into the archive. */
  readonly inboxes?: Config['inboxes']
}

/**
 * The standard chain, in the order of starting: what takes comes before what gives, so that the port
 * answers when everything behind it is ready. It stops in the opposite order, and drained.
 * The same pipelines stand, with comments, in pipelines/standard-chain.sh.
 */
export function standardChain(frontDoor: string, parts: ChainParts = {}): readonly ChainProcess[] {
  return [
    stage('deliver', 'outbox', 'sent', 'fiona-send'),
    stage('deidentify', 'organized', 'outbox', 'fiona-anon'),
    stage('organize', 'received', 'organized', 'fiona-arrive | fiona-classify | fiona-organize'),
    {
      name: 'front-door',
      command: 'fiona-import',
      args: ['--front-door', frontDoor, '--journal', 'received'],
    },
    ...(parts.inboxes ?? []).map(inboxImport),
    ...(parts.mpps === true
      ? [{ name: 'mpps', command: 'fiona-mpps', args: ['--journal', 'received'] }]
      : []),
    { name: 'receiver', command: 'fiona-scp', args: ['--journal', 'received'] },
  ]
}

function inboxImport(
  { folder, project, settleSeconds }: Config['inboxes'][number],
  at: number,
): ChainProcess {
  return {
    name: `inbox-${String(at + 1)}`,
    command: 'fiona-import',
    args: [
      ...['--watch', folder, '--journal', 'received'],
      ...(project === undefined ? [] : ['--project', project]),
      ...(settleSeconds === undefined ? [] : ['--settle-seconds', String(settleSeconds)]),
    ],
  }
}

/**
 * Longer than the stage of a killed chain may drain (`--drain-seconds`): that it is still ending when the
 * next one begins is no error.
 */
const waitSeconds = '60'

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
