import { resolve } from 'node:path'
import { isProjectName } from '../storage/index.ts'
import { nearest } from '../text/index.ts'
import { usualDefault } from './default-project.ts'
import { deidentifyProblems } from './deidentify-problems.ts'
import type { ConfigProblem } from './generated/validate-config.js'
import { keysOf, pointerOf } from './json-pointer.ts'
import { originalPlace } from './original.ts'
import type { ConfigFile } from './schema.ts'

/**
 * What a schema cannot say. Places are those of our keys.
 * @param isOriginal what a message quotes has the names of the original's file
 */
export async function unsayableProblems(
  config: ConfigFile,
  isOriginal: boolean,
): Promise<ConfigProblem[]> {
  return [
    ...projectNameProblems(config),
    ...portProblems(config, isOriginal),
    ...(await matchProblems(config)),
    ...defaultProblems(config),
    ...inboxProblems(config),
    ...deidentifyProblems(config),
    ...(await addressProblems(config)),
    ...(await layoutProblems(config)),
    ...redcapProblems(config),
  ]
}

/** Loaded where something asks for it: every tool reads the configuration, few know DICOM's dictionary. */
const matching = () => import('../match/index.ts')

function problem(keys: readonly string[], message: string): ConfigProblem {
  return { instancePath: pointerOf(keys), schemaPath: '', message, params: {} }
}

/** A project has a folder of its own, with its name. */
function projectNameProblems(config: ConfigFile): ConfigProblem[] {
  return Object.keys(config.projects)
    .filter((project) => !isProjectName(project))
    .map((project) =>
      problem(
        ['projects', project],
        'is no name of a project: FIONA keeps things of its own there, or it is no name of a folder',
      ),
    )
}

/** Two doors cannot have one port. Both are named by the keys of the file that is read. */
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
    const otherPath = pointerOf(other.keys)
    const place = isOriginal ? originalPlace(otherPath) : otherPath
    return [problem(keys, `is ${String(port)}, and so is ${keysOf(place).join('.')}`)]
  })
}

/** An inbox is emptied by one, into the tree of a project that may be called so. */
function inboxProblems({ inboxes }: ConfigFile): ConfigProblem[] {
  return inboxes.flatMap(({ folder, project }, at) => {
    const of = (key: string) => ['inboxes', String(at), key]
    const other = inboxes.slice(0, at).find((one) => lieInEachOther(one.folder, folder))
    return [
      ...(other === undefined
        ? []
        : [
            problem(
              of('folder'),
              `and the inbox ${other.folder} are the same, or lie in each other`,
            ),
          ]),
      ...(project === undefined || isProjectName(project)
        ? []
        : [problem(of('project'), 'is no name of a project')]),
    ]
  })
}

/** Who is let in is told by numbers, names are not looked up. */
async function addressProblems({ receiver }: ConfigFile): Promise<ConfigProblem[]> {
  if (receiver.allow.length === 0) return []
  const { addressForms, isAddressRange } = await matching()
  return receiver.allow.flatMap(({ address }, at) =>
    address === undefined || isAddressRange(address)
      ? []
      : problem(
          ['receiver', 'allow', String(at), 'address'],
          `is no address: ${JSON.stringify(address)}; write ${addressForms}`,
        ),
  )
}

/** The words of a match must mean something: keys that are known, patterns, addresses. */
async function matchProblems(config: ConfigFile): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = []
  for (const [project, { match }] of Object.entries(config.projects)) {
    if (match === undefined) continue
    const { compileMatch } = await matching()
    compileMatch(match, (keys, message) => {
      problems.push(problem(['projects', project, 'match', ...keys], message))
    })
  }
  return problems
}

/** What nobody matches goes where somebody will look for it. */
function defaultProblems({ intake, projects }: ConfigFile): ConfigProblem[] {
  const name = intake.default
  if (name === usualDefault || Object.hasOwn(projects, name)) return []
  const guess = nearest(name, [usualDefault, ...Object.keys(projects)])
  const remedy =
    guess === undefined
      ? `; add it to projects (projects.${name}: {} is enough)`
      : `; did you mean "${guess}"?`
  return [problem(['intake', 'default'], `is none of the projects: "${name}"${remedy}`)]
}

/** Relative paths are all relative to one directory. */
function lieInEachOther(one: string, other: string): boolean {
  const [a, b] = [`${resolve('/', one)}/`, `${resolve('/', other)}/`]
  return a.startsWith(b) || b.startsWith(a)
}

/** A layout is a template that a file can be named by. */
async function layoutProblems({ organize, projects }: ConfigFile): Promise<ConfigProblem[]> {
  const lists = [
    { keys: ['organize', 'layouts'], layouts: organize.layouts },
    ...Object.entries(projects).map(([project, { organize: own }]) => ({
      keys: ['projects', project, 'organize', 'layouts'],
      layouts: own?.layouts ?? [],
    })),
  ].filter(({ layouts }) => layouts.length > 0)
  if (lists.length === 0) return []
  const { isLayout, readLayouts } = await import('../layout/index.ts')
  return lists.flatMap(({ keys, layouts }) =>
    readLayouts(layouts).flatMap((read, at) =>
      isLayout(read) ? [] : problem([...keys, String(at)], read.problem),
    ),
  )
}

/** A token is a password: on the way it must not be read by others. And FIONA keeps one REDCap. */
function redcapProblems({ requests }: ConfigFile): ConfigProblem[] {
  const found = requests.flatMap(({ redcap }, at) => (redcap === undefined ? [] : [{ redcap, at }]))
  return found.flatMap(({ redcap, at }, nth) => {
    const of = (key: string) => ['requests', String(at), 'redcap', ...(key === '' ? [] : [key])]
    const second = 'is the second REDCap; one entry has all projects of a site'
    if (nth > 0) return [problem(of(''), second)]
    if (!URL.canParse(redcap.url)) return [problem(of('url'), 'is no URL')]
    const { protocol, hostname, search, username } = new URL(redcap.url)
    if (search !== '' || username !== '') {
      return [problem(of('url'), 'must end with the path (/api/): the token comes from tokenFile')]
    }
    const isNear = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
    return protocol === 'https:' || isNear
      ? []
      : [problem(of('url'), 'would send the token readable for everybody on the way; use https:')]
  })
}
