#!/usr/bin/env node
// No import statement and no await at the top: loaders that take a file without extension for CommonJS
// (tap's is one) must be able to run it too.
import('../dist/main.js').then(
  ({ main }) => main(/[^/]*$/.exec(process.argv[1])[0]),
  (error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
    process.stderr.write('error: FIONA is not built yet\nhint: run npm ci && npm run build\n')
    process.exit(70)
  },
)
