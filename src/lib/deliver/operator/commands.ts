import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../../config/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { inside, makeDirectories, writeFileAtomic } from '../../storage/index.ts'
import { visibleJson, visibleText } from '../../text/index.ts'
import { noteDecision } from './decisions.ts'
import type { Order } from './desk.ts'
import { explain } from './explain.ts'
import type { Hold } from './holds.ts'
import { linesOfExplanation, linesOfStatus } from './in-words.ts'
import { DestinationStatuses } from './destination-status.ts'
import { Overview } from './overview.ts'

export const commands = ['status', 'explain', 'retry', 'hold', 'release', 'drop'] as const
export type Command = (typeof commands)[number]

export interface Said {
  readonly command: Command
  /** DESTINATION, REQUESTID or STUDY. */
  readonly what: string | undefined
  readonly by: string
  readonly because: string | undefined
  readonly isTable: boolean
}

/** Longer reasons than this nobody reads, and they travel in records. */
const mostCharacters = 500

/**
 * @param args of the command line; none at all is the filter
 * @throws FionaError E_USAGE
 */
export function readCommand(
  args: readonly string[],
  options: {
    readonly by: string | undefined
    readonly because: string | undefined
    readonly json: boolean | undefined
  },
  who: string,
  isTerminal: boolean,
): Said | undefined {
  const [word, what, ...more] = args
  if (word === undefined) {
    const { by, because, json } = options
    const [stray] = Object.entries({ by, because, json }).flatMap(([name, value]) =>
      value === undefined || value === false ? [] : [name],
    )
    if (stray !== undefined) throw usage(`--${stray} belongs to a command`)
    return undefined
  }
  const command = commands.find((one) => one === word)
  if (command === undefined) {
    throw usage(`there is no command ${JSON.stringify(word)}; there are ${commands.join(', ')}`)
  }
  const takes = command === 'status' ? 'nothing' : command === 'retry' ? 'at most one' : 'one'
  const isRight = { nothing: what === undefined, 'at most one': true, one: what !== undefined }
  if (!isRight[takes] || more.length > 0) throw usage(`${command} takes ${takes} name`)
  const decides = command !== 'status' && command !== 'explain'
  if (!decides && (options.by ?? options.because) !== undefined) {
    throw usage(`${command} decides nothing: --by and --because belong to what does`)
  }
  const { by, because } = options
  if (command === 'drop' && (!by?.trim() || !because?.trim())) {
    throw usage('drop ends a delivery for good: it needs --by NAME and --because TEXT')
  }
  if ((by?.length ?? 0) > mostCharacters || (because?.length ?? 0) > mostCharacters) {
    throw usage(`--by and --because have at most ${String(mostCharacters)} characters`)
  }
  const isTable = isTerminal && options.json !== true
  return {
    command,
    what,
    by: visibleText(by ?? who),
    because: because && visibleText(because),
    isTable,
  }
}

export interface Out {
  readonly print: (text: string) => Promise<void>
  /** `<dataDir>/state/fiona-send` */
  readonly state: string
  readonly config: Pick<Config, 'destinations' | 'projects'>
}

/** Does what a person said. @throws FionaError E_USAGE, E_NOT_WAITING, E_UNHEARD_OF, E_STATE_FORMAT */
export async function runCommand(said: Said, out: Out): Promise<ExitCode> {
  const overview = await Overview.read(out.state, out.config)
  switch (said.command) {
    case 'status':
      await showStatus(overview, said, out)
      break
    case 'explain':
      await showExplanations(overview, said, out)
      break
    case 'hold':
    case 'release':
      await out.print(await holdOrRelease(overview, said))
      break
    case 'retry':
    case 'drop':
      await out.print(await order(overview, said))
      break
  }
  return ExitCode.ok
}

async function showStatus(overview: Overview, { isTable }: Said, { print }: Out): Promise<void> {
  const { destinations } = overview
  const statuses = new DestinationStatuses(overview)
  for (const name of destinations) {
    const status = await statuses.of(name)
    if (isTable) for (const line of linesOfStatus(status)) await print(visibleText(line))
    else await print(visibleJson(status))
  }
  if (isTable && destinations.length === 0) await print('no destination, and nothing waits')
}

async function showExplanations(
  overview: Overview,
  { what = '', isTable }: Said,
  { print }: Out,
): Promise<void> {
  const explanations = await explain(overview, what)
  if (explanations.length === 0) throw unheardOf(what)
  for (const explanation of explanations) {
    if (!isTable) await print(visibleJson(explanation))
    else for (const line of linesOfExplanation(explanation)) await print(visibleText(line))
  }
}

/** A destination or a request, by its name. @throws FionaError E_USAGE, E_NOT_WAITING */
function nameOf(overview: Overview, what: string): Pick<Hold, 'kind' | 'name'> {
  const isDestination = overview.destinations.includes(what)
  const isRequest =
    overview.waiting.some(({ record }) => record.requestId === what) ||
    overview.holds.all.some(({ kind, name }) => kind === 'request' && name === what)
  if (isDestination && isRequest) {
    throw usage(`${JSON.stringify(what)} is a destination and a request that waits`)
  }
  if (isDestination) return { kind: 'destination', name: what }
  if (isRequest) return { kind: 'request', name: what }
  throw notWaiting(what)
}

async function holdOrRelease(overview: Overview, said: Said): Promise<string> {
  const { command, what = '', by, because } = said
  const meant = nameOf(overview, what)
  const time = new Date().toISOString()
  const about = { ...(because === undefined ? {} : { because }), by, time }
  const former = await (command === 'release'
    ? overview.holds.release(meant)
    : overview.holds.put({ v: 1, ...meant, ...about }))
  const outcome =
    command === 'release'
      ? former === undefined
        ? 'was not held'
        : 'goes on'
      : former === false
        ? 'was held already, and stays so'
        : 'is held until it is released; a study in hand is finished'
  const target = meant.kind === 'destination' ? { destination: what } : { requestId: what }
  const decision = { do: command, ...target, ...about, outcome, done: time }
  await noteDecision(inside(overview.state, 'decisions.ndjson'), decision)
  return visibleText(`${meant.kind} ${what} ${outcome}`)
}

/** In the folder of each stage that has something of it. */
async function order(overview: Overview, said: Said): Promise<string> {
  const { command, what, by, because } = said
  const meant = what === undefined ? undefined : nameOf(overview, what)
  if (command === 'drop' && meant?.kind === 'destination') {
    throw usage('drop ends one request; hold holds a destination')
  }
  const waiting = overview.waiting.filter(
    ({ record, destination }) =>
      meant === undefined ||
      (meant.kind === 'request' ? record.requestId : destination.name) === meant.name,
  )
  const target =
    meant === undefined
      ? {}
      : meant.kind === 'destination'
        ? { destination: meant.name }
        : { requestId: meant.name }
  const about = {
    by,
    ...(because === undefined ? {} : { because }),
    time: new Date().toISOString(),
  }
  const written = { v: 1, do: command, ...target, ...about } as Order
  for (const stage of new Set(waiting.map((one) => one.stage))) {
    const directory = inside(overview.state, 'orders', stage)
    await makeDirectories(directory)
    const name = `${about.time.replaceAll(/[^0-9]/g, '')}-${randomBytes(6).toString('hex')}.json`
    await writeFileAtomic(join(directory, name), `${JSON.stringify(written)}\n`)
  }
  if (waiting.length === 0) return 'nothing waits that could be tried'
  const isHeard = waiting.some(({ stage }) => overview.isRunning(stage))
  const when = isHeard ? 'now' : 'when fiona-send runs again'
  const doing = command === 'drop' ? 'ended' : 'tried'
  return `deliveries to be ${doing} ${when}: ${String(waiting.length)}`
}

function notWaiting(what: string): FionaError {
  return new FionaError('E_NOT_WAITING', `nothing called ${JSON.stringify(what)} waits`, {
    hint: 'fiona-send status lists destinations; fiona-send explain says what was delivered',
    exitCode: ExitCode.badInput,
  })
}

function unheardOf(what: string): FionaError {
  return new FionaError(
    'E_UNHEARD_OF',
    `nothing called ${JSON.stringify(what)} waits here or was delivered`,
    {
      hint: 'it takes a requestId, or the StudyInstanceUID that the study has in research: fiona ls deliveries lists them; what is held has not come here: fiona ls deliveries --type held',
      exitCode: ExitCode.badInput,
    },
  )
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'see fiona-send --help',
    exitCode: ExitCode.usage,
  })
}
