// The two goals of de-identification that are no rate: how long the first object of a study takes from its record, the start
// of the program included and not, and what one object of 2 GB costs in time and memory, beside cp.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ctElements, ctImage, dicomFile, el } from '../test/fixtures/dicom-writer.ts'
import { watchPeak } from './peak-memory.ts'
import { spentBy } from './processor-time.ts'
import { inDirectory } from './in-directory.ts'

const tool = fileURLToPath(new URL('../bin/fiona-anon', import.meta.url))
const rounds = 3
const frames = 3815 // of 512 × 512 and two bytes: 2 GB

export default {
  name: 'deid-goals',
  title: 'De-identification: the first object, and one of 2 GB',
  run: () =>
    inDirectory(async (directory) => {
      writeFileSync(join(directory, 'key'), Buffer.alloc(32, 1), { mode: 0o600 })
      return { rows: [...(await firstObjects(directory)), ...(await largeObject(directory))] }
    }),
}

/** A study of one object, and its record. */
function studyOf(directory: string, studyUID: string, write: (path: string) => void): string {
  const seriesUID = `${studyUID}.1`
  const path = join(directory, studyUID)
  mkdirSync(join(path, seriesUID), { recursive: true })
  write(join(path, seriesUID, `${studyUID}.2.dcm`))
  const series = [{ SeriesInstanceUID: seriesUID, instances: 1 }]
  const facts = { instances: 1, bytes: 0, reason: 'flush', revision: 1 }
  return `${JSON.stringify({ type: 'study', StudyInstanceUID: studyUID, path, series, ...facts })}\n`
}

function argumentsIn(directory: string): string[] {
  const key = join(directory, 'key')
  return ['--key-file', key, '--out', join(directory, 'out'), '--log-level', 'warn']
}

/** Published, when its record is read: by a program that starts for it, and by one that waits for records, as a stage does. */
async function firstObjects(directory: string) {
  const [cold, warm]: [number[], number[]] = [[], []]
  for (let round = 1; round <= rounds; round++) {
    rmSync(join(directory, 'out'), { recursive: true, force: true })
    const [first, second] = [1, 2].map((n) => {
      const studyUID = `2.25.1001${String(round)}${String(n)}`
      const uids = { studyUID, seriesUID: `${studyUID}.1`, sopUID: `${studyUID}.2` }
      return studyOf(directory, studyUID, (path) => {
        writeFileSync(path, ctImage({ ...uids, rows: 512, columns: 512 }))
      })
    })
    const start = performance.now()
    const child = spawn(tool, argumentsIn(directory), { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.write(first)
    await once(child.stdout, 'data')
    cold.push(performance.now() - start)
    const again = performance.now()
    child.stdin.write(second)
    await once(child.stdout, 'data')
    warm.push(performance.now() - again)
    child.stdin.end()
    await once(child, 'close')
  }
  return [
    { who: 'first object, program started for it', 'best ms': Math.round(Math.min(...cold)) },
    { who: 'first object, program waiting', 'best ms': Math.round(Math.min(...warm)) },
  ]
}

async function largeObject(directory: string) {
  const studyUID = '2.25.2002'
  let source = ''
  const input = join(directory, 'large.ndjson')
  const record = studyOf(directory, studyUID, (path) => {
    source = path
    writeLarge(path, studyUID)
  })
  writeFileSync(input, record)
  const out = join(directory, 'out')
  const fresh = () => {
    rmSync(out, { recursive: true, force: true })
    mkdirSync(out)
  }
  const args = [...argumentsIn(directory), '--durability', 'none']
  const contenders = [
    { who: '2 GB: cp', command: ['cp', '--reflink=never', source, out], from: undefined },
    { who: '2 GB: fiona-anon, without sync', command: [tool, ...args], from: input },
  ]
  const rows = []
  for (const { who, command, from } of contenders) {
    const spent = Array.from({ length: rounds }, () => {
      fresh()
      return spentBy(command, from)
    })
    const best = (what: 'wall' | 'processor') =>
      Math.round(Math.min(...spent.map((one) => one[what])) * 100) / 100
    rows.push({ who, 'best s': best('wall'), 'processor s': best('processor') })
  }
  fresh()
  const child = spawn(tool, args, { stdio: ['pipe', 'ignore', 'inherit'] })
  const peak = watchPeak(child)
  child.stdin.end(record)
  await once(child, 'close')
  return rows.map((row) => (row.who.includes('fiona') ? { ...row, 'peak MB': peak() } : row))
}

/** Pixels that are no hole in the file: those would be copied for nothing. */
function writeLarge(path: string, studyUID: string): void {
  const frame = Buffer.alloc(512 * 512 * 2, 'FIONA')
  const pixels = el(0x7fe00010, 'OW', Buffer.alloc(0), frames * frame.length)
  const uids = { studyUID, seriesUID: `${studyUID}.1`, sopUID: `${studyUID}.2` }
  const elements = ctElements({
    ...uids,
    rows: 512,
    columns: 512,
    elements: [
      el(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.4.1'),
      el(0x00280008, 'IS', String(frames)),
      el(0x00280101, 'US', 16),
      el(0x00280102, 'US', 15),
    ],
  }).filter(({ tag }) => tag !== pixels.tag)
  const fd = openSync(path, 'w')
  writeSync(fd, dicomFile({ elements: [...elements, pixels] }))
  for (let at = 0; at < frames; at++) writeSync(fd, frame)
  closeSync(fd)
}
