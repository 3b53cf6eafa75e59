/**
 * When is a study complete? DICOM does not say: objects just stop coming. So this room counts what
 * arrives, waits until it has been quiet for a while, and says so; and should it have been wrong, the
 * late objects make another revision of the same study. What it has counted and said is kept in a log
 * that survives any crash, so that each object is in exactly one revision.
 */
export { Arrival, type ArrivalOptions } from './arrival.ts'
export { DigestSet } from './digest-set.ts'
export { DurableKeeper } from './durable-keeper.ts'
export { lookUp, stateDirectory, type KnownStudy } from './look-up.ts'
export { HeadOnly } from './keeper.ts'
export { byRecordClock, RecordClock } from './record-clock.ts'
export { TouchFiles, touching } from './touch-files.ts'
