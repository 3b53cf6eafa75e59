// A folder that is watched. Nothing is remembered of it on disk: its content is the state.
export { lastWriteMs } from './stillness.ts'
export { Unchanged } from './unchanged.ts'
export { isUnfinishedName } from './unfinished-name.ts'
export { watchInbox } from './watch-inbox.ts'
