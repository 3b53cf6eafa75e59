// The chain in the foreground: starts its processes in order, restarts what dies, stops in order and
// drained. Every child holds one end of a pipe whose other end only this process has: when this
// process is killed, even by SIGKILL, the kernel closes it and the children stop by themselves.
export { Supervisor } from './supervisor.ts'
export { runChain } from './run-chain.ts'
export type { ChainRun } from './run-chain.ts'
export type { Audience } from './audience.ts'
export { person } from './person.ts'
export { chainFor } from './chain-for.ts'
export { prepareSite } from './prepare-site.ts'
export type { Site } from './prepare-site.ts'
export { shortForm } from './short-form.ts'
export { watchJournals } from './watch-journals.ts'
export { deliveredFolder, withEmbeddedDelivery } from './embedded-delivery.ts'
