#!/usr/bin/env node
// CommonJS, as bin/package.json says: an ES module is itself read by the threads of Node's pool, and how many there are
// is settled by then. No import statement and no await at the top.
const name = /[^/]*$/.exec(process.argv[1])[0]
// Each file that is copied into the archive waits for its sync. Those that wait together share one commit of the file
// system, and a thread waits for each.
if (name === 'fiona-import' || (name === 'fiona' && process.argv[2] === 'import')) {
  process.env.UV_THREADPOOL_SIZE ||= '32'
}
import('../dist/main.js').then(
  ({ main }) => main(name),
  (error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    process.stderr.write('error: FIONA is not built yet\nhint: run npm ci && npm run build\n')
    process.exit(70)
  },
)
