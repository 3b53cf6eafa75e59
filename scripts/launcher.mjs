#!/usr/bin/env node
const name = /[^/]*$/.exec(process.argv[1])[0]
// Each file that is copied into the archive waits for its sync. Those that wait together share one commit of the file
// system, and a thread waits for each.
if (name === 'fiona-import' || (name === 'fiona' && process.argv[2] === 'import')) {
  process.env.UV_THREADPOOL_SIZE ||= '32'
}
let loadBundle
try {
  ;({ loadBundle } = require('../dist/load.js'))
} catch (error) {
  if (error.code !== 'MODULE_NOT_FOUND') throw error
  process.stderr.write('error: FIONA is not built yet\nhint: run npm ci && npm run build\n')
  process.exit(70)
}
loadBundle('main.js').main(name)
