// Everything FIONA keeps on disk goes through this room: names that cannot escape their root, files
// that become visible only when whole, and the archive where received objects lie.
export { readTextFile, type TextFileKind } from './read-text-file.ts'
export { RealDirectories } from './real-directories.ts'
export { escapedComponent, inside, safeComponent } from './safe-path.ts'
export { isProjectName, projectFolder, projectOfFolder } from './project-name.ts'
export {
  createExclusively,
  freeBytes,
  makeDirectories,
  syncDirectory,
  syncFile,
  writeFileAtomic,
} from './durable.ts'
export { writeAll } from './write-all.ts'
export { archivePath, archiveStudyPath, projectOfArchived, quarantinePath } from './layout.ts'
export type { ObjectIdentity } from './layout.ts'
export { copyIntoPlace, type Copied } from './copy-into-place.ts'
export { readToSend, unreadableToSend } from './read-to-send.ts'
export { bytesIfThere, namesIn, readIfThere } from './if-there.ts'
export { Syncs } from './syncs.ts'
export { fileDigest } from './file-digest.ts'
export { ArchiveWriter } from './archive-writer.ts'
export type { Durability } from './archive-writer.ts'
export type { ArchivePart, CommitIdentity, Committed } from './part-file.ts'
export { filesPutAside, holdNamedPipe, makeNamedPipe, putFileAside } from './named-pipe.ts'
export {
  livenessOf,
  ownIdentity,
  parseIdentity,
  type Liveness,
  type ProcessIdentity,
} from './process-identity.ts'
export {
  isTemporaryInUse,
  isTemporaryOfDead,
  removeDeadTemporaries,
  temporaryPath,
} from './temporary-name.ts'
export { DirectoryWatch, type Changes } from './directory-watch.ts'
