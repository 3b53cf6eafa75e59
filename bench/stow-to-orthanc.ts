// The same study by STOW-RS to an Orthanc that is new each time: ours beside curl, which posts the very bodies that ours
// makes, one behind the other over one connection. Orthanc has most of the work, so both wait for it.
import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MultipartFiles } from '../src/lib/dicomweb/index.ts'
import { binDir } from '../test/fixtures/peers.ts'
import { type Command, spentTogether } from './processor-time.ts'
import { RestOrthanc } from './rest-orthanc.ts'

/** What ours puts into one request, as long as they are not larger. */
const objectsPerRequest = 100

interface Site {
  readonly files: readonly string[]
  /** A file with the deidentified record. */
  readonly record: string
  readonly directory: string
  readonly rounds: number
}

/** @returns nothing where Orthanc with DICOMweb is not installed */
export async function stowToOrthanc(site: Site): Promise<readonly Record<string, unknown>[]> {
  const posted = await writeBodies(site)
  const senders = [
    { who: 'fiona-send, STOW to Orthanc', command: (root: string) => ours(site, root) },
    { who: 'curl, STOW to Orthanc', command: (root: string) => curl(posted, root) },
  ]
  const all = new Map<string, { rate: number; processorMs: number }[]>()
  for (let round = 0; round < site.rounds; round++) {
    for (const { who, command } of senders) {
      const directory = mkdtempSync(join(site.directory, 'orthanc-'))
      const orthanc = await RestOrthanc.start(join(directory, 'data'), { dicomWeb: true })
      if (orthanc === undefined) return []
      try {
        const { wall, processor } = await spentTogether([command(orthanc.webRoot)])
        const there = await orthanc.countInstances()
        if (there < site.files.length) throw new Error(`${who}: only ${String(there)} arrived`)
        const count = site.files.length
        const one = { rate: count / wall, processorMs: (processor / count) * 1000 }
        all.set(who, [...(all.get(who) ?? []), one])
      } finally {
        await orthanc.stop()
        rmSync(directory, { recursive: true })
      }
    }
  }
  return [...all].map(([who, runs]) => ({
    who,
    '1 assoc: best': Math.round(Math.max(...runs.map(({ rate }) => rate))),
    '1 assoc: CPU ms/object':
      Math.round(Math.min(...runs.map(({ processorMs }) => processorMs)) * 100) / 100,
  }))
}

function ours({ record, directory }: Site, root: string): Command {
  const dataDir = mkdtempSync(join(directory, 'data-'))
  const config = join(dataDir, 'fiona.yaml')
  const destinations = { sink: { url: root, concurrency: 1 } }
  const projects = { bench: { destinations: ['sink'] } }
  writeFileSync(config, JSON.stringify({ dataDir, projects, destinations }))
  const command = [join(binDir, 'fiona-send'), '--config', config, '--log-level', 'warn']
  return { command, input: record }
}

interface Body {
  readonly path: string
  readonly contentType: string
}

function curl(bodies: readonly Body[], root: string): Command {
  const posts = bodies.map(({ path, contentType }) => [
    ...['--silent', '--fail', '--output', '/dev/null', '--request', 'POST'],
    ...['--header', `Content-Type: ${contentType}`, '--header', 'Expect:'],
    ...['--upload-file', path, `${root}/studies`],
  ])
  const [first = [], ...others] = posts
  return { command: ['curl', ...first, ...others.flatMap((post) => ['--next', ...post])] }
}

async function writeBodies({ files, directory }: Site): Promise<Body[]> {
  const bodies: Body[] = []
  for (let at = 0; at < files.length; at += objectsPerRequest) {
    const some = files.slice(at, at + objectsPerRequest)
    const sized = some.map((path) => ({ path, size: statSync(path).size }))
    const body = new MultipartFiles(sized, Buffer.alloc(1 << 20))
    const path = join(directory, `body-${String(at)}`)
    await body.write((bytes) => {
      appendFileSync(path, bytes)
      return Promise.resolve()
    })
    bodies.push({ path, contentType: body.contentType })
  }
  return bodies
}
