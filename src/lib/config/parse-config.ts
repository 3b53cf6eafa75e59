import { resolve } from 'node:path'
import { isMap, isScalar, LineCounter, type Document } from 'yaml'
import { isProjectName } from '../storage/index.ts'
import { isAddressRange } from './address-range.ts'
import { isLayout, readLayouts } from '../layout/index.ts'
import { nearest } from '../text/index.ts'
import { knownKeys, validateConfig, type ConfigProblem } from './generated/validate-config.js'
import type { ConfigFile } from './schema.ts'
import { fromOriginal, isOriginalConfig, originalPlace } from './original.ts'
import { readYaml, valueOf } from './read-yaml.ts'
import { refuse } from './refuse.ts'
import { sumUp } from './sum-up-problems.ts'

/** Keys that are sizes: a number of bytes, or text such as `5GiB`. */
const sizeKeys = [['receiver', 'reserveBytes']] as const
const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
}

/**
 * @param name the file's name, for messages
 * @throws FionaError E_CONFIG with every mistake, each with its line
 */
export function parseConfig(text: string, name: string): ConfigFile {
  const lines = new LineCounter()
  const document = readYaml(text, lines, name)
  const found = valueOf(document, name)
  const isOriginal = isOriginalConfig(found)
  const value = isOriginal ? fromOriginal(found) : found
  for (const [section, key] of sizeKeys) readSize(value, section, key)
  const problems = validateConfig(value)
  if (problems.length === 0) {
    problems.push(
      ...projectNameProblems(value as ConfigFile),
      ...portProblems(value as ConfigFile, isOriginal),
      ...patternProblems(value as ConfigFile),
      ...inboxProblems(value as ConfigFile),
      ...addressProblems(value as ConfigFile),
      ...layoutProblems(value as ConfigFile),
    )
  }
  if (problems.length > 0) {
    throw refuse(
      sumUp(problems, isOriginal, sizeKeys).map(
        (problem) => `${name}:${lineOf(document, lines, problem)}: ${sentence(problem)}`,
      ),
    )
  }
  return value as ConfigFile
}

/** What a schema cannot say: a project has a folder of its own, with its name. */
function projectNameProblems(config: ConfigFile): ConfigProblem[] {
  return Object.keys(config.projects)
    .filter((project) => !isProjectName(project))
    .map((project) => ({
      instancePath: pathOf(['projects', project]),
      schemaPath: '',
      message:
        'is no name of a project: FIONA keeps things of its own there, or it is no name of a folder',
      params: {},
    }))
}

/** What a schema cannot say: two doors cannot have one port. Both are named by the keys of the file that is read. */
function portProblems(
  { receiver, mpps, projects }: ConfigFile,
  isOriginal: boolean,
): ConfigProblem[] {
  const doors = [
    { keys: ['receiver', 'port'], port: receiver.port },
    ...(mpps === undefined ? [] : [{ keys: ['mpps', 'port'], port: mpps.port }]),
    ...Object.entries(projects).flatMap(([project, { receiver: own }]) =>
      own === undefined
        ? []
        : [{ keys: ['projects', project, 'receiver', 'port'], port: own.port }],
    ),
  ]
  return doors.flatMap(({ keys, port }, at) => {
    const other = doors.slice(0, at).find((door) => door.port === port && port !== 0)
    if (other === undefined) return []
    const otherPath = pathOf(other.keys)
    const place = isOriginal ? originalPlace(otherPath) : otherPath
    const message = `is ${String(port)}, and so is ${keysOf({ instancePath: place }).join('.')}`
    return [{ instancePath: pathOf(keys), schemaPath: '', message, params: {} }]
  })
}

/** What a schema cannot say: an inbox is emptied by one, into the tree of a project that may be called so. */
function inboxProblems({ inboxes }: ConfigFile): ConfigProblem[] {
  return inboxes.flatMap(({ folder, project }, at) => {
    const problem = (key: string, message: string): ConfigProblem => ({
      instancePath: pathOf(['inboxes', String(at), key]),
      schemaPath: '',
      message,
      params: {},
    })
    const other = inboxes.slice(0, at).find((one) => lieInEachOther(one.folder, folder))
    return [
      ...(other === undefined
        ? []
        : [problem('folder', `and the inbox ${other.folder} are the same, or lie in each other`)]),
      ...(project === undefined || isProjectName(project)
        ? []
        : [problem('project', 'is no name of a project')]),
    ]
  })
}

/** What a schema cannot say: who is let in is told by numbers, names are not looked up. */
function addressProblems({ receiver }: ConfigFile): ConfigProblem[] {
  return receiver.allow.flatMap(({ address }, at) =>
    address === undefined || isAddressRange(address)
      ? []
      : {
          instancePath: pathOf(['receiver', 'allow', String(at), 'address']),
          schemaPath: '',
          message: `is no address: ${JSON.stringify(address)}; write 10.1.2.3, 10.1.0.0/16 or 2001:db8::/32`,
          params: {},
        },
  )
}

/** What a schema cannot say: a layout is a template that a file can be named by. */
function layoutProblems({ organize, projects }: ConfigFile): ConfigProblem[] {
  const lists = [
    { keys: ['organize', 'layouts'], layouts: organize.layouts },
    ...Object.entries(projects).map(([project, { organize: own }]) => ({
      keys: ['projects', project, 'organize', 'layouts'],
      layouts: own?.layouts ?? [],
    })),
  ]
  return lists.flatMap(({ keys, layouts }) =>
    readLayouts(layouts).flatMap((read, at) =>
      isLayout(read)
        ? []
        : {
            instancePath: pathOf([...keys, String(at)]),
            schemaPath: '',
            message: read.problem,
            params: {},
          },
    ),
  )
}

/** Relative paths are all relative to one directory. */
function lieInEachOther(one: string, other: string): boolean {
  const [a, b] = [`${resolve('/', one)}/`, `${resolve('/', other)}/`]
  return a.startsWith(b) || b.startsWith(a)
}

function pathOf(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** What a schema cannot say: the patterns of a project's match must be regular expressions. */
function patternProblems(config: ConfigFile): ConfigProblem[] {
  return Object.entries(config.projects).flatMap(([project, { match }]) =>
    Object.entries(match ?? {}).flatMap(([key, pattern]) => {
      try {
        new RegExp(pattern, 'u')
        return []
      } catch (error) {
        return {
          instancePath: pathOf(['projects', project, 'match', key]),
          schemaPath: '',
          message: `is no regular expression: ${(error as Error).message.replace(/^Invalid regular expression: /, '')}`,
          params: {},
        }
      }
    }),
  )
}

function sentence(problem: ConfigProblem): string {
  const where = keysOf(problem).join('.')
  const unknown = problem.params['additionalProperty']
  if (typeof unknown === 'string') {
    const guess = nearest(unknown, knownKeys[problem.schemaPath] ?? [])
    return `unknown key "${unknown}"${where === '' ? '' : ` in ${where}`}${guess === undefined ? '' : `; did you mean "${guess}"?`}`
  }
  const allowed = problem.params['allowedValues'] ?? problem.params['allowedValue']
  const values = allowed === undefined ? '' : ` (${JSON.stringify(allowed)})`
  return `${where === '' ? 'the configuration' : where} ${problem.message ?? 'is not valid'}${values}`
}

/** The keys of a JSON pointer (RFC 6901). */
function keysOf({ instancePath }: Pick<ConfigProblem, 'instancePath'>): string[] {
  const keys = instancePath.split('/').slice(1)
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function lineOf(document: Document, lines: LineCounter, problem: ConfigProblem): number {
  const keys = keysOf(problem)
  const node = keys.length === 0 ? document.contents : document.getIn(keys, true)
  const unknown = problem.params['additionalProperty']
  if (isMap(node) && typeof unknown === 'string') {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === unknown)
    if (pair !== undefined && isScalar(pair.key) && pair.key.range)
      return lines.linePos(pair.key.range[0]).line
  }
  const range = (node as { range?: [number, number, number] | null } | null | undefined)?.range
  return range ? lines.linePos(range[0]).line : 1
}

function readSize(value: unknown, section: string, key: string): void {
  const part = (value as Record<string, unknown> | null)?.[section] as
    Record<string, unknown> | undefined
  const size = part?.[key]
  if (part === undefined || typeof size !== 'string') return
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(size)
  const unit = sizeUnits[match?.[2]?.toUpperCase() ?? '']
  if (match?.[1] !== undefined && unit !== undefined)
    part[key] = Math.round(Number(match[1]) * unit)
}
