// DICOM from folders, packages (ZIP, tar), lists, an inbox and the front door. What there is to import is a stream
// of entries (`entriesOfArguments`, the lines that `keepFrontDoor` reads, what `watchInbox` finds); an `Importer`
// makes the record of each file, by copying it through the intake, or, in place, from its header alone, or the parts
// of a package; `runImport` keeps a few of them in flight and their records in order. File names are bytes from
// anywhere: every file is opened once, without following links that were not there before, and all is done with
// what was opened.
export { checkCommandLine } from './command-line.ts'
export { doorAccess } from './door-access.ts'
export { entriesOfArguments } from './entries-of-arguments.ts'
export type { Entry, FileEntry } from './entry.ts'
export { Importer, realDataDirectory } from './importer.ts'
export type { ImporterOptions } from './importer.ts'
export type { Imported, Part } from './imported.ts'
export { InOrder } from './in-order.ts'
export { Allowance, readPackage } from './package/index.ts'
export type { PackageLimits } from './package/index.ts'
export { isUnfinishedName, lastWriteMs, Unchanged, watchInbox } from './inbox/index.ts'
export { keepFrontDoor } from './keep-front-door.ts'
export { patience } from './patience.ts'
export { countFiles, importProgress, progressLine } from './progress.ts'
export { readLine } from './read-line.ts'
export { LineSpool } from './line-spool.ts'
export { noCounts, runImport } from './run-import.ts'
export type { ImportRun, ImportSummary } from './run-import.ts'
export { walk } from './walk.ts'
