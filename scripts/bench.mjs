// `npm run bench [-- NAME…] [--json FILE]`: our figures beside the peers', in one run on one machine.
// Each bench is a file bench/NAME.bench.ts that interleaves its runs, so that a slow minute of the
// machine falls on everybody.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { register } from 'tsx/esm/api'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
process.env.TCP_NODELAY = '1'

const names = process.argv.slice(2)
const at = names.indexOf('--json')
const jsonFile = at < 0 ? undefined : names.splice(at, 2)[1]
if (at >= 0 && jsonFile === undefined) fail('--json needs a file name')

const available = readdirSync('bench')
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.replace('.bench.ts', ''))
const unknown = names.filter((name) => !available.includes(name))
if (unknown.length > 0)
  fail(`no bench named ${unknown.join(', ')}; there are: ${available.join(', ')}`)

const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
if (status !== 0 || !existsSync('dist/main.js')) fail('the build failed')

register()
const results = []
for (const name of names.length > 0 ? names : available) {
  const { default: bench } = await import(`../bench/${name}.bench.ts`)
  console.log(`\n${bench.title}`)
  const { rows } = await bench.run()
  console.table(Object.fromEntries(rows.map(({ who, ...figures }) => [who, figures])))
  results.push({ name, title: bench.title, rows })
}
if (jsonFile !== undefined) {
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model,
    cpus: cpus().length,
    memory: totalmem(),
  }
  writeFileSync(
    jsonFile,
    `${JSON.stringify({ time: new Date().toISOString(), machine, results }, null, 2)}\n`,
  )
}

function fail(message) {
  console.error(`error: ${message}`)
  process.exit(64)
}
