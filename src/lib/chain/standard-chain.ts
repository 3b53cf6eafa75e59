import { join } from 'node:path'
import type { Config } from '../config/index.ts'

/** One process of the chain. */
export interface ChainProcess {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
}

/** A named pipe, and the journal that what is written into it goes to. */
export interface FrontDoorOf {
  readonly journal: string
  readonly path: string
}

/** What a configuration decides of the chain. */
export interface ChainParts {
  /** That of `received` takes records and paths, the others records. */
  readonly frontDoors: readonly FrontDoorOf[]
  /** Folders that are emptied into the archive. */
  readonly inboxes: Config['inboxes']
  /** Whether modalities are listened to. */
  readonly mpps: boolean
  /** Names, in the order of starting. */
  readonly stages: readonly string[]
  /** The projects that have a door of their own (`projects.*.receiver`). */
  readonly doors: readonly string[]
}

export interface StandardStage {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly pipeline: string
}

const organize = {
  name: 'organize',
  from: 'received',
  to: 'organized',
  pipeline: 'fiona-arrive | fiona-classify | fiona-organize',
} as const satisfies StandardStage
const request = {
  name: 'request',
  from: 'organized',
  to: 'requested',
  pipeline: 'fiona-request --requests-only',
} as const satisfies StandardStage
const deidentify = { name: 'deidentify', to: 'outbox', pipeline: 'fiona-anon' } as const
const deliver = {
  name: 'deliver',
  from: 'outbox',
  to: 'sent',
  pipeline: 'fiona-send',
} as const satisfies StandardStage

/** All that there may be. */
export const standardStageNames: readonly string[] = [deliver, deidentify, request, organize].map(
  ({ name }) => name,
)

/**
 * In the order of starting: what takes comes before what gives. Where nothing is configured that says which project a study
 * goes to, it goes to the one whose tree it lies in.
 */
export function standardStages({ requests }: Pick<Config, 'requests'>): readonly StandardStage[] {
  return requests.length > 0
    ? [deliver, { ...deidentify, from: request.to }, request, organize]
    : [deliver, { ...deidentify, from: organize.to }, organize]
}

/**
 * The standard chain, in the order of starting: what takes comes before what gives, so that the port
 * answers when everything behind it is ready. It stops in the opposite order, and drained.
 * The same pipelines stand, with comments, in pipelines/standard-chain.sh.
 */
export function standardChain(parts: ChainParts): readonly ChainProcess[] {
  return [
    { name: indexPart, command: 'fiona-index', args: ['--follow'] },
    ...parts.stages.map((name) => ({
      name,
      command: 'fiona-stage',
      args: ['--standard', name, '--wait-seconds', waitSeconds],
    })),
    ...parts.frontDoors.map(frontDoor),
    ...parts.inboxes.map(inbox),
    ...(parts.mpps
      ? [{ name: 'mpps', command: 'fiona-mpps', args: ['--journal', 'received'] }]
      : []),
    ...[undefined, ...parts.doors].map((project) => ({
      name: doorPart(project),
      command: 'fiona-scp',
      args: ['--door', project ?? 'default', '--journal', 'received'],
    })),
  ]
}

/** Keeps what `fiona ls` asks. No other part waits for it. */
export const indexPart = 'index'

/** What the part is called that receives for a project; undefined: the common door. */
export function doorPart(project: string | undefined): string {
  return project === undefined ? 'receiver' : `receiver-${project}`
}

/** @param at its place among the `inboxes` of the configuration, from 0 */
export function inboxPart(at: number): string {
  return `inbox-${String(at + 1)}`
}

/** What the configuration asks for. */
export function partsOf(
  config: Pick<Config, 'frontDoors' | 'inboxes' | 'mpps' | 'projects' | 'requests' | 'runDir'>,
): ChainParts {
  const doors = Object.entries(config.projects).flatMap(([name, { receiver }]) =>
    receiver === undefined ? [] : [name],
  )
  const { inboxes, mpps } = config
  const stages = standardStages(config).map(({ name }) => name)
  return { frontDoors: frontDoorsOf(config), inboxes, mpps: mpps !== undefined, stages, doors }
}

export function frontDoorsOf({
  frontDoors,
  runDir,
}: Pick<Config, 'frontDoors' | 'runDir'>): readonly FrontDoorOf[] {
  return frontDoors.journals.map((journal) => {
    return { journal, path: join(runDir, `${journal}.pipe`) }
  })
}

/** The ports that its parts listen on, and what in the configuration sets each. */
export function portsOf({
  receiver,
  projects,
  mpps,
}: Pick<Config, 'mpps' | 'projects' | 'receiver'>): readonly {
  readonly part: string
  readonly port: number
  readonly key: string
}[] {
  return [
    { part: doorPart(undefined), port: receiver.port, key: 'receiver.port' },
    ...Object.entries(projects).flatMap(([project, { receiver: own }]) =>
      own === undefined
        ? []
        : [{ part: doorPart(project), port: own.port, key: `projects.${project}.receiver.port` }],
    ),
    ...(mpps === undefined ? [] : [{ part: 'mpps', port: mpps.port, key: 'mpps.port' }]),
  ]
}

/** The parts of a chain, in the order of starting. */
export function partNames(parts: ChainParts): readonly string[] {
  return standardChain(parts).map(({ name }) => name)
}

function frontDoor({ journal, path }: FrontDoorOf): ChainProcess {
  const args = ['--front-door', path, '--journal', journal]
  return journal === 'received'
    ? { name: 'front-door', command: 'fiona-import', args }
    : { name: `front-door-${journal}`, command: 'fiona-import', args: [...args, '--records-only'] }
}

function inbox(
  { folder, project, settleSeconds }: Config['inboxes'][number],
  at: number,
): ChainProcess {
  return {
    name: inboxPart(at),
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
