import { ExitCode, FionaError } from '../../error/index.ts'
import { counted, fitText, nearest, visibleJson, visibleText } from '../../text/index.ts'
import { adviceFor, reasonCodes } from './reason-advice.ts'
import type { HeldStudy } from './held-study.ts'
import type { Review, Waiting } from './review.ts'

interface Display {
  /** For people, instead of NDJSON. */
  readonly isTable: boolean
  readonly print: (line: string) => Promise<void>
  readonly write: (bytes: Buffer) => Promise<void>
}

/** Which of those that wait. */
export interface Asked {
  readonly project: string | undefined
  /** The code of a reason. */
  readonly reason: string | undefined
}

const mostFiles = 20
const hint = {
  release: 'then --release',
  releaseAnyway: 'only with --release-anyway',
  mend: 'cannot be released',
}

/**
 * What waits for a person: of all projects or one, oldest first.
 * @throws FionaError E_USAGE
 */
export async function listReview(
  review: Review,
  { project, reason }: Asked,
  { isTable, print, write }: Display,
): Promise<number> {
  requireReason(reason)
  const all = await review.list(project)
  const unreadable = all.filter((each) => each.problem !== undefined)
  const held = all.filter(isReadable).filter(({ study }) => hasReason(study, reason))
  for (const each of [...unreadable, ...held]) {
    if (!isTable) await write(Buffer.from(`${visibleJson(factsOf(each))}\n`))
    else for (const line of inShort(each)) await print(visibleText(line))
  }
  if (isTable) for (const line of summaryOf(held)) await print(line)
  return unreadable.length > 0 ? ExitCode.someErrors : ExitCode.ok
}

/** One of them in full, with what has to be looked at. Paths of the clinic are for the terminal, and held.json. */
export async function showHeld(
  review: Review,
  requestId: string,
  project: string | undefined,
  { isTable, print, write }: Display,
): Promise<number> {
  const study = await review.find(requestId, project)
  const size = await review.sizeOf(study)
  if (!isTable) {
    await write(
      Buffer.from(`${visibleJson({ ...factsOf({ study, ...size }), advice: advices(study) })}\n`),
    )
    return ExitCode.ok
  }
  for (const line of inFull({ study, ...size })) await print(visibleText(line))
  return ExitCode.ok
}

function inFull({ study, folder, objects, bytes }: Readable): string[] {
  const { requestId, time, user, details, masked = [], how } = study
  const files = details.slice(0, mostFiles).map(({ code, path }) => `  ${code}  ${path}`)
  const more = details.length - files.length
  const reasons = advices(study).flatMap(({ code, look, release }) => [
    `${code}: ${look} (${hint[release]})`,
    ...study.reasons
      .filter((reason) => reason.code === code)
      .map(({ where, count }) => `  ${String(count)} × at ${where}`),
  ])
  return [
    `${requestId}  ${whoseOf(study)}`,
    `held ${ageOf(time)} ago (${time}), by ${user}`,
    ...reasons,
    ...(study.returned === true
      ? ['it came back from processing: nothing is rewritten, and it goes to where its study went']
      : []),
    `what would go out: ${sizeOf(objects, bytes)} in ${folder}`,
    ...(masked.length > 0
      ? [`${counted(masked.length, 'object')} of it masked: held.json says where`]
      : []),
    ...(files.length > 0 ? ['where it comes from:', ...files] : []),
    ...(more > 0 ? [`  and ${String(more)} more, in held.json`] : []),
    `decide: ${how ?? `fiona-anon --release ${requestId} # or --drop ${requestId}`}`,
    `        ${whatToAdd(study)}--because "…" says why, and stays with the decision on this side of the boundary`,
  ]
}

/** What a release of it takes besides. */
function whatToAdd(study: HeldStudy): string {
  const ways = advices(study).map(({ release }) => release)
  if (ways.includes('mend')) {
    return 'it is held again as long as something cannot be released: mend that and replay the record, or drop it; '
  }
  return ways.includes('releaseAnyway') ? 'only with --release-anyway; ' : ''
}

/** Two lines a study: there may be many. */
function inShort(waiting: Waiting): string[] {
  if (waiting.problem !== undefined) return [`wrong: ${waiting.problem}`]
  const { study, objects, bytes } = waiting
  const counts = new Map<string, number>()
  for (const { code, count } of study.reasons) counts.set(code, (counts.get(code) ?? 0) + count)
  const reasons = [...counts].map(
    ([code, count]) => `${code}${count > 1 ? ` × ${String(count)}` : ''}`,
  )
  return [
    `${study.requestId}  ${whoseOf(study)}  ${ageOf(study.time)}  ${sizeOf(objects, bytes)}`,
    `    ${reasons.join(', ')}`,
  ]
}

/** Last, where it is still seen when the list was longer than the screen: how many studies wait for what. */
function summaryOf(held: readonly Readable[]): string[] {
  const [oldest] = held
  if (oldest === undefined) return ['0 held']
  const studies = new Map<string, number>()
  for (const { study } of held) {
    for (const { code } of advices(study)) studies.set(code, (studies.get(code) ?? 0) + 1)
  }
  const widest = Math.max(...[...studies.keys()].map((code) => code.length))
  const byReason = [...studies]
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
    .map(
      ([code, count]) =>
        `${String(count).padStart(6)}  ${fitText(visibleText(code), widest)}  ${hint[adviceFor(code).release]}`,
    )
  return [
    `${String(held.length)} held${held.length > 1 ? `, the first ${ageOf(oldest.study.time)} ago` : ''}`,
    ...byReason,
    'fiona-anon review ID shows one, review --reason CODE those of one reason',
  ]
}

function advices({ reasons, returned }: HeldStudy) {
  const isReturned = returned === true
  const codes = [...new Set(reasons.map(({ code }) => code))]
  return codes.map((code) => ({ code, ...adviceFor(code, isReturned) }))
}

type Readable = Extract<Waiting, { readonly study: HeldStudy }>

function isReadable(waiting: Waiting): waiting is Readable {
  return waiting.problem === undefined
}

function hasReason({ reasons }: HeldStudy, code: string | undefined): boolean {
  return code === undefined || reasons.some((reason) => reason.code === code)
}

function requireReason(code: string | undefined): void {
  if (code === undefined || reasonCodes.some((known) => known === code)) return
  const guess = nearest(code, reasonCodes)
  throw new FionaError('E_USAGE', `there is no reason ${JSON.stringify(code)}`, {
    hint: guess === undefined ? `there are ${reasonCodes.join(', ')}` : `did you mean ${guess}?`,
    exitCode: ExitCode.usage,
  })
}

function factsOf(waiting: Waiting): Readonly<Record<string, unknown>> {
  if (waiting.problem !== undefined) return { folder: waiting.folder, problem: waiting.problem }
  const { requestId, project, participant, event, time, reasons } = waiting.study
  const { objects, bytes } = waiting
  return { requestId, project, participant, event, since: time, objects, bytes, reasons }
}

function whoseOf({ project, participant, event }: HeldStudy): string {
  return [project, participant, ...(event === undefined ? [] : [event])].join(' / ')
}

function sizeOf(objects: number, bytes: number): string {
  const size =
    bytes < 1e6 ? `${String(Math.ceil(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`
  return `${counted(objects, 'object')}, ${size}`
}

function ageOf(time: string): string {
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(time)) / 60_000))
  if (minutes < 120) return counted(minutes, 'minute')
  return minutes < 48 * 60
    ? counted(Math.floor(minutes / 60), 'hour')
    : counted(Math.floor(minutes / (24 * 60)), 'day')
}
