// A test file in a process of its own, and what it said of its tests.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { bundleFolder, bundleOf } from './bundle.mjs'
import { readResults } from './results.mjs'

const mostSeconds = 400

/** `{ file, seconds, results, trouble }`: trouble is why the file counts as failed, though none of its tests may have. */
export function runFile(file) {
  const began = performance.now()
  const child = spawn(process.execPath, ['--enable-source-maps', bundleOf(file)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      TAP_TIMEOUT: String(mostSeconds),
      FIONA_TEST_BUNDLES: resolve(bundleFolder),
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
      resolve({ file, seconds, ...results, trouble: troubleOf(code ?? signal, results) })
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
