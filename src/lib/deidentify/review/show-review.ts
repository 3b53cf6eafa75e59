import { ExitCode } from '../../error/index.ts'
import { visibleJson, visibleText } from '../../text/index.ts'
import { adviceFor } from './reason-advice.ts'
import type { HeldStudy, Review, Waiting } from './review.ts'

interface Display {
  /** For people, instead of NDJSON. */
  readonly isTable: boolean
  readonly print: (line: string) => Promise<void>
  readonly write: (bytes: Buffer) => Promise<void>
}

const mostFiles = 20
const hint = {
  release: 'then --release',
  releaseAnyway: 'only with --release-anyway',
  mend: 'cannot be released',
}

/** What waits for a person: of all projects or one, oldest first. */
export async function listReview(
  review: Review,
  project: string | undefined,
  { isTable, print, write }: Display,
): Promise<number> {
  const waiting = await review.list(project)
  const unreadable = waiting.filter((each) => each.problem !== undefined)
  for (const each of waiting) {
    if (!isTable) await write(Buffer.from(`${visibleJson(factsOf(each))}\n`))
    else for (const line of linesOf(each)) await print(visibleText(line))
  }
  const held = waiting.length - unreadable.length
  if (isTable)
    await print(`${String(held)} held${held > 0 ? '; fiona-anon review ID shows one' : ''}`)
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
  for (const line of linesOf({ study, ...size })) await print(visibleText(line))
  for (const { code, look, release } of advices(study)) {
    await print(visibleText(`  ${code}: ${look} (${hint[release]})`))
  }
  await print(visibleText(`what would go out: ${size.folder}`))
  for (const { code, path } of study.details.slice(0, mostFiles)) {
    await print(visibleText(`  ${code}  ${path}`))
  }
  const more = study.details.length - mostFiles
  if (more > 0) await print(`  and ${String(more)} more, in held.json`)
  const id = visibleText(requestId)
  await print(`decide: fiona-anon --release ${id} --because WHY, or --drop ${id} --because WHY`)
  return ExitCode.ok
}

function advices({ reasons }: HeldStudy) {
  return [...new Set(reasons.map(({ code }) => code))].map((code) => ({ code, ...adviceFor(code) }))
}

function factsOf(waiting: Waiting): Readonly<Record<string, unknown>> {
  if (waiting.problem !== undefined) return { folder: waiting.folder, problem: waiting.problem }
  const { requestId, project, participant, event, time, reasons } = waiting.study
  const { objects, bytes } = waiting
  return { requestId, project, participant, event, since: time, objects, bytes, reasons }
}

function linesOf(waiting: Waiting): string[] {
  if (waiting.problem !== undefined) return [`wrong: ${waiting.problem}`]
  const { requestId, project, participant, event, time, reasons } = waiting.study
  const size = `${String(waiting.objects)} objects, ${(waiting.bytes / 1e6).toFixed(1)} MB`
  const whose = [project, participant, ...(event === undefined ? [] : [event])].join(' / ')
  return [
    `${requestId}  ${whose}  held since ${time} (${ageOf(time)})  ${size}`,
    ...reasons.map(({ code, where, count }) => `  ${String(count)} × ${code} at ${where}`),
  ]
}

function ageOf(time: string): string {
  const hours = (Date.now() - Date.parse(time)) / 3_600_000
  return hours < 48
    ? `${String(Math.max(0, Math.floor(hours)))} hours`
    : `${String(Math.floor(hours / 24))} days`
}
