// What the operating system does with processes, for the rooms that start some.
export { endGroup } from './end-group.ts'
export { processIds } from './process-ids.ts'
