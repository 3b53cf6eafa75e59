// `npm start`: installs and builds what is missing, then runs the standard chain in the foreground.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
if (!existsSync('node_modules/esbuild'))
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
if (!existsSync('dist/main.js') || newest('src') > statSync('dist/main.js').mtimeMs) {
  run(process.execPath, ['scripts/build.mjs'])
}
const child = spawn('bin/fiona', ['up', ...process.argv.slice(2)], { stdio: 'inherit' })
// Ctrl-C reaches the child by itself (same terminal); we only wait for its orderly end.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (signal === 'SIGTERM') child.kill(signal)
  })
}
child.on('exit', (code) => process.exit(code ?? 1))

function newest(folder) {
  return Math.max(
    ...readdirSync(folder, { recursive: true }).map(
      (name) => statSync(join(folder, String(name))).mtimeMs,
    ),
  )
}

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
