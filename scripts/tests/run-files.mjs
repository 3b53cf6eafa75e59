// Which test file runs when. As many at once as there are processors; and one more whenever processors are left idle, since
// many tests wait most of their time for others. Those that take longest begin first, so that the last one does not run alone.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { runFile } from './run-file.mjs'

const processors = availableParallelism()
const most = 3 * processors
const lookMs = 250
/** Of all processors: when more than this is left, there is room for another file. */
const idleShare = 0.25
/** How many seconds each file took when it ran last, here: nothing but the order depends on it. */
const tookPath = '.tap/took.json'

/** Calls `tell` with what each file came to (see runFile), in the order in which they end. */
export async function runFiles(files, tell) {
  const took = readTook()
  const waiting = [...files].sort((a, b) => expected(b, took) - expected(a, took))
  let running = 0
  const work = async () => {
    running++
    do {
      const ended = await runFile(waiting.shift())
      took[ended.file] = Number(ended.seconds.toFixed(1))
      tell(ended)
    } while (waiting.length > 0 && running <= processors)
    running--
  }
  const workers = Array.from({ length: Math.min(processors, files.length) }, work)
  let before = processorTimes()
  while (waiting.length > 0) {
    await pass(lookMs)
    const now = processorTimes()
    const isIdle = (now.idle - before.idle) / (now.all - before.all) > idleShare
    before = now
    if (isIdle && running < most && waiting.length > 0) workers.push(work())
  }
  await Promise.all(workers)
  mkdirSync(dirname(tookPath), { recursive: true })
  const ofFiles = Object.entries(took).filter(([file]) => existsSync(file))
  writeFileSync(tookPath, JSON.stringify(Object.fromEntries(ofFiles), null, 2))
}

/** Of what never ran here: tests of a whole chain take longest, those of one program long, and long files longer than short. */
function expected(file, took) {
  if (took[file] !== undefined) return took[file]
  const [, room] = file.split('/')
  const each = { system: 4, stage: 4, crash: 4, hostile: 2, tools: 1.5 }[room] ?? 0.1
  return (5 + statSync(file).size / 1000) * each
}

function readTook() {
  try {
    return JSON.parse(readFileSync(tookPath, 'utf8'))
  } catch {
    return {}
  }
}

/** Of all processors together. */
function processorTimes() {
  const times = cpus().map(({ times }) => times)
  const sum = (of) => times.reduce((total, each) => total + of(each), 0)
  return {
    idle: sum(({ idle }) => idle),
    all: sum((each) => Object.values(each).reduce((a, b) => a + b)),
  }
}
