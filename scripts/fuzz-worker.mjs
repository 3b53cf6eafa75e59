// The fuzzer's thread. TypeScript is not loaded in threads by itself.
import { register } from 'tsx/esm/api'

register()
await import('../test/fuzz/worker.ts')
