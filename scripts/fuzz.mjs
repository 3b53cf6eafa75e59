// `npm run fuzz -- --seconds 60`: feeds the upper layer, command sets and data sets what mutation makes of
// right inputs. An exception, or an input that takes more than two seconds of the processor, is a finding: it
// is kept in a file, and can be had again by `--seed N`, or by `--file F --target T`. With `--inputs N` it ends after so many,
// when the time is not over before.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { caseOf } from '../test/fuzz/case-of-seed.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const mostCpuSeconds = 2
/** Waiting costs no processor; nothing here waits for anybody. */
const mostWaitSeconds = 60

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    inputs: { type: 'string' },
    seed: { type: 'string' },
    file: { type: 'string' },
    target: { type: 'string' },
    out: { type: 'string', default: 'fuzz-findings' },
    targets: { type: 'string', default: join(root, 'test/fuzz/targets.ts') },
  },
})
const targetsUrl = pathToFileURL(resolve(values.targets)).href
const { targets } = await import(targetsUrl)
const given =
  values.file === undefined
    ? undefined
    : { target: values.target, input: readFileSync(values.file) }
if (given !== undefined && targets[given.target] === undefined) {
  fail(`no target ${given.target}`, `give one with --target: ${Object.keys(targets).join(', ')}`)
}
const isOne = values.seed !== undefined || given !== undefined
const first = Number(values.seed ?? Date.now() % 2 ** 32)
const most = isOne ? 1 : Number(values.inputs ?? 2 ** 31)
if (!Number.isSafeInteger(first) || !(Number(values.seconds) > 0) || !(most > 0)) {
  fail('--seed, --seconds and --inputs take numbers', 'npm run fuzz -- --seconds 60')
}

/** Which seed is under way, how many are done, and whether the first has begun. */
const progress = new Int32Array(new SharedArrayBuffer(12))
const worker = new Worker(new URL('./fuzz-worker.mjs', import.meta.url), {
  workerData: { targetsUrl, seed: first, count: most, given, progress },
})
const problem = await new Promise((settle) => {
  worker.on('message', ({ problem }) => settle(problem))
  worker.on('error', (error) => settle(`not caught: ${error.stack ?? error.message}`))
  watch(settle)
})
await worker.terminate()
const [seed, done, hasBegun] = progress
if (problem === undefined) console.log(`${done} inputs from seed ${first}: nothing found`)
else if (hasBegun === 0) fail(problem, 'the targets cannot be loaded')
else report(seed >>> 0, problem)

/** Ends it when the time is over, or when an input does not end. */
function watch(settle) {
  let end = Infinity
  let last
  const timer = setInterval(() => {
    const now = { done: progress[1], cpu: cpuSeconds(), at: performance.now() }
    if (last?.done !== now.done) last = now
    const isStarted = progress[2] === 1
    // Loading the targets takes its time, too, and is none of those asked for.
    if (isStarted) end = Math.min(end, now.at + Number(values.seconds) * 1000)
    if (isStarted && now.cpu - last.cpu > mostCpuSeconds) {
      settle(`it takes more than ${mostCpuSeconds} seconds of the processor`)
    } else if (now.at - last.at > mostWaitSeconds * 1000) settle('it does not end')
    else if (now.at > end && !isOne) settle(undefined)
    else return
    clearInterval(timer)
  }, 50)
  worker.on('exit', () => clearInterval(timer))
}

function report(seed, problem) {
  const { name, input } = caseOf(seed, targets, given)
  const file = join(values.out, `${name}-${seed}.bin`)
  mkdirSync(values.out, { recursive: true })
  writeFileSync(file, input)
  console.log(
    `found with seed ${seed} in ${name} (${input.length} bytes, kept in ${file}):\n${problem}`,
  )
  console.log(`again: npm run fuzz -- --seed ${seed}`)
  process.exitCode = 1
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function fail(message, hint) {
  console.error(`error: ${message}\nhint: ${hint}`)
  process.exit(64)
}
