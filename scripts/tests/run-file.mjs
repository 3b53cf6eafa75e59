// A test file in a process of its own, and what it said of its tests.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleFolder, bundleOf } from './bundle.mjs'
import { readResults } from './results.mjs'

const mostSeconds = 400
const listenIn = fileURLToPath(new URL('listen-in.cjs', import.meta.url))

/**
 * `{ file, seconds, results, trouble }`: trouble is why the file counts as failed, though none of its tests may have. It runs in
 * an empty directory, since a tool that is told nothing else takes its configuration, its key and its data from where it is
 * run: what somebody has in the project's directory changes no result, and no test writes there.
 */
export function runFile(file) {
  const began = performance.now()
  const place = mkdtempSync(join(tmpdir(), 'fiona-test-'))
  const told = `${place}.told`
  writeFileSync(told, '')
  const child = spawn(process.execPath, ['--enable-source-maps', resolve(bundleOf(file))], {
    cwd: place,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      TAP_TIMEOUT: String(mostSeconds),
      FIONA_TEST_BUNDLES: resolve(bundleFolder),
      FIONA_TEST_TOLD: told,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require=${listenIn}`.trim(),
    },
  })
  // By then tap itself has told which test took too long, unless nothing in the process moves any more.
  const tooLong = setTimeout(() => child.kill('SIGKILL'), (mostSeconds + 10) * 1000)
  const chunks = []
  child.stdout.on('data', (chunk) => chunks.push(chunk))
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(tooLong)
      const results = readResults(Buffer.concat(chunks).toString())
      const seconds = (performance.now() - began) / 1000
      const trouble = troubleOf(code ?? signal, results) ?? toldIn(told) ?? leftIn(place)
      for (const path of [place, told]) rmSync(path, { recursive: true, force: true })
      resolve({ file, seconds, ...results, trouble })
    })
  })
}

function troubleOf(ended, { tests, planned }) {
  if (planned === undefined) return `it ended (${ended}) before its last test`
  if (planned !== tests.length) return `${tests.length} of ${planned} tests told their result`
  if (tests.length === 0) return 'it has no test'
  if (ended !== 0 && tests.every(({ verdict }) => verdict !== 'failed'))
    return `it ended with ${ended}`
  return undefined
}

function leftIn(place) {
  const left = readdirSync(place).filter((name) => name !== '.tap')
  return left.length > 0 ? `it left ${left.join(', ')} where it ran` : undefined
}

function toldIn(path) {
  const lines = readFileSync(path, 'utf8')
  return lines === '' ? undefined : `a tool told of a patient: ${lines}`
}
