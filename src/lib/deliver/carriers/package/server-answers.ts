import { Parser, type ReadEntry } from 'tar'
import { ExitCode, FionaError } from '../../../error/index.ts'
import { packageName } from './package-name.ts'
import type { PackagePlace } from './package-place.ts'

/** All answers of a server in one file, as the original's servers have it. */
const cacheName = 'md5server_cache.tar'
/** An answer is a sum and a name. */
const mostAnswerBytes = 4096
const mostCacheBytes = 256 << 20

interface StudyAsked {
  readonly participant: string
  readonly event?: string
  readonly StudyInstanceUID: string
  readonly series: readonly { readonly SeriesInstanceUID: string }[]
}

/**
 * Which series of a study lie there as they were sent: the MD5 that the server has computed of a package
 * (`NAME.md5sum_server` beside it, or in `md5server_cache.tar`) is the one in our `NAME.md5sum`.
 * @returns SeriesInstanceUIDs; of the others the answer was another one
 * @throws FionaError E_NOT_VERIFIED while the server has not answered for all
 */
export async function confirmedSeries(
  place: PackagePlace,
  { series, ...study }: StudyAsked,
): Promise<ReadonlySet<string>> {
  const confirmed = new Set<string>()
  let cache: ReadonlyMap<string, string> | undefined
  let unanswered = 0
  for (const { SeriesInstanceUID } of series) {
    const name = packageName({ ...study, SeriesInstanceUID })
    const ours = await sumIn(place, `${name}.md5sum`)
    // Never sent, or gone: it is not there, and no answer is needed to know that.
    if (ours === undefined) continue
    const theirs =
      (await sumIn(place, `${name}.md5sum_server`)) ?? (cache ??= await readCache(place)).get(name)
    if (theirs === undefined) unanswered++
    else if (theirs === ours) confirmed.add(SeriesInstanceUID)
  }
  if (unanswered > 0) throw notAnswered(unanswered)
  return confirmed
}

/** The first word of a file of md5sum(1). */
async function sumIn(place: PackagePlace, name: string): Promise<string | undefined> {
  const pieces = await place.read(name)
  if (pieces === undefined) return undefined
  let text = ''
  for await (const piece of pieces) {
    text += piece.toString('latin1')
    if (text.length > mostAnswerBytes) break
  }
  return sumOf(text)
}

function sumOf(text: string): string | undefined {
  return /^\\?([0-9a-f]{32})\b/i.exec(text.trimStart())?.[1]?.toLowerCase()
}

/** By the name of the package. What is no answer, or no tar file, answers nothing. */
async function readCache(place: PackagePlace): Promise<ReadonlyMap<string, string>> {
  const answers = new Map<string, string>()
  const pieces = await place.read(cacheName)
  if (pieces === undefined) return answers
  const parser = new Parser({
    onReadEntry: (entry: ReadEntry) => {
      const name = /([^/]+)\.md5sum_server$/.exec(entry.path)?.[1]
      if (name === undefined || entry.size > mostAnswerBytes) {
        entry.resume()
        return
      }
      let text = ''
      entry.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      entry.on('end', () => {
        const sum = sumOf(text)
        if (sum !== undefined) answers.set(name, sum)
      })
    },
  })
  let isBroken = false
  const ended = new Promise<void>((resolve) => {
    parser.on('end', resolve)
    parser.on('error', () => {
      isBroken = true
      resolve()
    })
  })
  let bytes = 0
  for await (const piece of pieces) {
    bytes += piece.length
    if (bytes > mostCacheBytes || isBroken) return answers
    const isTaken = feed(parser, piece)
    if (isTaken === undefined) return answers
    if (!isTaken) await Promise.race([ended, drained(parser)])
  }
  if (bytes === 0) return answers
  parser.end()
  await ended
  return answers
}

/** @returns whether it takes more at once; undefined when it cannot be read, as what is compressed in ways that we do not know */
function feed(parser: Parser, piece: Buffer): boolean | undefined {
  try {
    return parser.write(piece)
  } catch {
    return undefined
  }
}

function drained(parser: Parser): Promise<void> {
  return new Promise((resolve) => {
    parser.once('drain', resolve)
  })
}

function notAnswered(count: number): FionaError {
  return new FionaError(
    'E_NOT_VERIFIED',
    `the server has not said yet what it has of ${String(count)} packages`,
    {
      hint: 'does it write NAME.md5sum_server beside a package, or md5server_cache.tar? Else verify: none',
      retryable: true,
      exitCode: ExitCode.unavailable,
    },
  )
}
