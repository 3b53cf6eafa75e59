// SQLite, where it can be loaded. Its library has a part that is compiled for one version of Node and one kind of
// processor; so it is loaded when first used, and all that is not an index does without it.
export { loadSqlite, whySqliteIsMissing, type Database } from './load-sqlite.ts'
