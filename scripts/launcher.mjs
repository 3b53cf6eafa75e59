#!/usr/bin/env node
import { basename } from 'node:path'

const { main } = await import('../dist/main.js').catch((error) => {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error
  process.stderr.write('error: FIONA is not built yet\nhint: run npm ci && npm run build\n')
  process.exit(70)
})
await main(basename(process.argv[1]))
