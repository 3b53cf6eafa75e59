// How an object gets into the archive, whichever door it came through.
//
// A door (fiona-scp, fiona-import) makes one `Intake` at its start; a mistake in a project's match ends it
// there. For each object it asks for a part (`begin`), writes the object's Part 10 file into `part.fd`, and
// hands it over with its size and SHA-256 (`take`). What comes back is the `instance` record of an object
// that is safely stored; what is thrown is a FionaError whose code says why it is not. Either way the part is
// dealt with: stored, kept in quarantine with the reason beside it when the object is to blame, or removed
// when the disk is (E_DISK_FULL, E_ARCHIVE_WRITE: retryable). A door that fails while writing discards the
// part itself and may ask `asStorageError` what its errno means. The record then goes to a sink
// (`openRecordSink`), whose `put` resolves when it is durable: only then may success be answered. An object of
// several projects is stored once and has a file name and a record in each: the sink writes those, too. Doors on the
// network share who may enter (`Access`) and their certificates (`readTlsOptions`).
export { Intake } from './intake.ts'
export type { IntakeOptions, Taken } from './intake.ts'
export type { Expected } from './as-told.ts'
export type { Known } from './describe-object.ts'
export { Access, loadOf, type AccessOptions } from './access.ts'
export { furtherOf, projectsOf } from './further-projects.ts'
export { FreeSpace } from './free-space.ts'
export { identityOf } from './identity.ts'
export type { Identity } from './identity.ts'
export { ProjectChoice } from './project-choice.ts'
export type { ExplainedChoice, ObjectSource, SeenCondition } from './project-choice.ts'
export { asStorageError } from './storage-error.ts'
export { openRecordSink } from './record-sink.ts'
export type { RecordSink, RecordSinkOptions } from './record-sink.ts'
export { readTlsOptions } from './tls-options.ts'
