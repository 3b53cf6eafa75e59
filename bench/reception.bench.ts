// Objects per second into each receiver, sent by DCMTK's dcmsend over loopback, on one association and
// on four. Every measurement starts a fresh receiver on an empty directory (an object that is already
// there would be another kind of work) behind a `sync`, so that nobody pays for the writes of another.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ctImage } from '../test/fixtures/dicom-writer.ts'
import { binDir, freePort } from '../test/fixtures/peers.ts'

const objectCount = Number(process.env['BENCH_OBJECTS'] ?? 300)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const senders = [1, 4] as const

interface Receiver {
  readonly who: string
  /** Its command line, to listen on `port` and keep everything below `directory`. */
  readonly command: (port: number, directory: string, associations: number) => readonly string[]
}

const receivers: readonly Receiver[] = [
  {
    who: 'fiona-scp (fsync before success)',
    command: (port, directory) => ours(port, directory, 'fsync'),
  },
  {
    who: 'fiona-scp --durability none',
    command: (port, directory) => ours(port, directory, 'none'),
  },
  {
    who: 'DCMTK storescp, defaults (no sync)',
    command: (port, directory, associations) => storescp(port, directory, associations, []),
  },
  {
    who: 'DCMTK storescp +B -pdu 131072 (no sync)',
    command: (port, directory, associations) =>
      storescp(port, directory, associations, ['+B', '-pdu', '131072']),
  },
  {
    who: 'Orthanc, defaults (fdatasync)',
    command: (port, directory) => {
      const config = join(directory, 'orthanc.json')
      writeFileSync(
        config,
        JSON.stringify({
          StorageDirectory: join(directory, 'storage'),
          IndexDirectory: join(directory, 'storage'),
          DicomPort: port,
          DicomCheckCalledAet: false,
          HttpServerEnabled: false,
        }),
      )
      return ['/usr/sbin/Orthanc', config]
    },
  },
]

function ours(port: number, directory: string, durability: string): readonly string[] {
  const where = ['--port', String(port), '--data-dir', directory, '--journal', 'received']
  return [join(binDir, 'fiona-scp'), ...where, '--durability', durability, '--log-level', 'warn']
}

function storescp(
  port: number,
  directory: string,
  associations: number,
  options: readonly string[],
): readonly string[] {
  const fork = associations > 1 ? ['--fork'] : []
  return ['storescp', ...fork, ...options, '-od', directory, String(port)]
}

export default {
  name: 'reception',
  title: `Receiving ${String(objectCount)} CT objects of 525 kB from dcmsend, objects/s`,
  async run() {
    const directory = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
    try {
      writeObjects(join(directory, 'objects'))
      return { rows: await compare(directory) }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
}

/** Four folders of as many objects each: a study with ten series. */
function writeObjects(directory: string): void {
  for (let at = 0; at < objectCount; at++) {
    const folder = join(directory, String(at % 4))
    mkdirSync(folder, { recursive: true })
    const studyUID = '2.25.1000'
    const seriesUID = `${studyUID}.${String(Math.floor(at / (objectCount / 10)))}`
    const sopUID = `${seriesUID}.${String(at)}`
    const image = { studyUID, seriesUID, sopUID, instanceNumber: at, rows: 512, columns: 512 }
    writeFileSync(join(folder, `${String(at)}.dcm`), ctImage(image))
  }
}

async function compare(directory: string) {
  const rates = new Map<string, number[]>()
  const present = receivers.filter(({ command }) => {
    const [file = ''] = command(0, directory, 1)
    return spawnSync(file, ['--version']).error === undefined
  })
  for (let round = 0; round < rounds; round++) {
    for (const receiver of present) {
      for (const associations of senders) {
        const key = `${receiver.who} ${String(associations)}`
        const rate = await measure(receiver, directory, associations)
        rates.set(key, [...(rates.get(key) ?? []), rate])
      }
    }
  }
  return present.map(({ who }) => {
    const figures = senders.flatMap((associations) => {
      const sorted = (rates.get(`${who} ${String(associations)}`) ?? []).toSorted((a, b) => b - a)
      const name = `${String(associations)} association${associations > 1 ? 's' : ''}`
      return [
        [`${name}: best`, Math.round(sorted[0] ?? 0)],
        [`${name}: median`, Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0)],
      ] as const
    })
    return { who, ...Object.fromEntries(figures) }
  })
}

async function measure(
  receiver: Receiver,
  directory: string,
  associations: number,
): Promise<number> {
  const port = await freePort()
  const target = mkdtempSync(join(directory, 'received-'))
  const [file = '', ...args] = receiver.command(port, target, associations)
  spawnSync('sync')
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  try {
    await listening(port, child)
    const start = performance.now()
    await Promise.all(send(port, join(directory, 'objects'), associations))
    const seconds = (performance.now() - start) / 1000
    return objectCount / seconds
  } catch (error) {
    throw new Error(`${receiver.who}: ${String(error)}\n${said.slice(-2000)}`, { cause: error })
  } finally {
    const gone = child.exitCode === null ? once(child, 'exit') : undefined
    child.kill()
    await gone
    rmSync(target, { recursive: true })
  }
}

/** One dcmsend an association, each with its share of the folders. */
function send(port: number, objects: string, associations: number): Promise<void>[] {
  const folders = readdirSync(objects).map((name) => join(objects, name))
  return Array.from({ length: associations }, async (_, n) => {
    const share = folders.filter((_, at) => at % associations === n)
    const sender = spawn('dcmsend', ['+sd', '127.0.0.1', String(port), ...share], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, TCP_NODELAY: '1' },
    })
    const [code] = (await once(sender, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`dcmsend ended with ${String(code)}`)
  })
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const isUp = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => {
        resolve(true)
      })
      socket.on('error', () => {
        resolve(false)
      })
    })
    socket.destroy()
    if (isUp) return
    await delay(20)
  }
  throw new Error(`ended with ${String(child.exitCode)} before it listened`)
}
