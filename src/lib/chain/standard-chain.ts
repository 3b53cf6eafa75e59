/** One process of the chain. */
export interface ChainProcess {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

export interface ChainParts {
  /** Whether modalities are listened to (`mpps` in the configuration). */
  readonly mpps?: boolean
  /** The projects that have a door of their own (`projects.*.receiver`). */
  readonly doors?: readonly string[]
}

export interface StandardStage {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly pipeline: string
}

/** In the order of starting: what takes comes before what gives. */
export const standardStages: readonly StandardStage[] = [
  { name: 'deliver', from: 'outbox', to: 'sent', pipeline: 'fiona-send' },
  { name: 'deidentify', from: 'organized', to: 'outbox', pipeline: 'fiona-anon' },
  {
    name: 'organize',
    from: 'received',
    to: 'organized',
    pipeline: 'fiona-arrive | fiona-classify | fiona-organize',
  },
]

/**
 * The standard chain, in the order of starting: what takes comes before what gives, so that the port
 * answers when everything behind it is ready. It stops in the opposite order, and drained.
 * The same pipelines stand, with comments, in pipelines/standard-chain.sh.
 */
export function standardChain(frontDoor: string, parts: ChainParts = {}): readonly ChainProcess[] {
  return [
    ...standardStages.map(({ name }) => ({
      name,
      command: 'fiona-stage',
      args: ['--standard', name, '--wait-seconds', waitSeconds],
    })),
    {
      name: 'front-door',
      command: 'fiona-import',
      args: ['--front-door', frontDoor, '--journal', 'received'],
    },
    ...(parts.mpps === true
      ? [{ name: 'mpps', command: 'fiona-mpps', args: ['--journal', 'received'] }]
      : []),
    ...[undefined, ...(parts.doors ?? [])].map((project) => ({
      name: doorPart(project),
      command: 'fiona-scp',
      args: ['--door', project ?? 'default', '--journal', 'received'],
    })),
  ]
}

/** What the part is called that receives for a project; undefined: the common door. */
export function doorPart(project: string | undefined): string {
  return project === undefined ? 'receiver' : `receiver-${project}`
}

/** The parts of a chain, in the order of starting. */
export function partNames(parts: ChainParts): readonly string[] {
  return standardChain('', parts).map(({ name }) => name)
}

/**
 * Longer than the stage of a killed chain may drain (`--drain-seconds`): that it is still ending when the
 * next one begins is no error.
 */
const waitSeconds = '60'
