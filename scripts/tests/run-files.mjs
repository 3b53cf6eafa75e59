// Which test file runs when. As many at once as there are processors; and one more whenever processors are left idle, since
// many tests wait most of their time for others. Those that take longest begin first, so that the last one does not run alone.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { runFile } from './run-file.mjs'

const processors = availableParallelism()
const most = 4 * processors
const lookMs = 250
/** How many seconds each file took when it ran last, here: nothing but the order depends on it. */
const tookPath = '.tap/took.json'

/** Calls `tell` with what each file came to (see runFile), in the order in which they end. */
export async function runFiles(files, tell) {
  const took = readTook()
  const waiting = [...files].sort((a, b) => expected(b, took) - expected(a, took))
  let running = 0
  let isIdle = false
  const work = async () => {
    running++
    for (let file; (running <= processors || isIdle) && (file = waiting.shift()); isIdle = false) {
      const ended = await runFile(file)
      took[file] = Number(ended.seconds.toFixed(1))
      tell(ended)
    }
    running--
  }
  const workers = Array.from({ length: processors }, work)
  let before = processorTimes()
  while (waiting.length > 0) {
    await pass(lookMs)
    const now = processorTimes()
    isIdle = (now.idle - before.idle) / (now.all - before.all) > 0.25
    before = now
    if (isIdle && running < most) workers.push(work())
  }
  await Promise.all(workers)
  mkdirSync(dirname(tookPath), { recursive: true })
  writeFileSync(tookPath, JSON.stringify(took, null, 2))
}

/** Of what never ran here: tests of whole programs take longer than tests of functions, and long files longer than short. */
function expected(file, took) {
  if (took[file] !== undefined) return took[file]
  const isOfPrograms = /^test\/(system|stage|crash|hostile|tools)\//.test(file)
  return (statSync(file).size / 1000) * (isOfPrograms ? 2 : 0.1)
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
