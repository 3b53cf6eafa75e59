/**
 * De-identified studies go to their destinations, and how that ended is said. A destination is the part
 * of the chain that fails most and for longest, and nobody there knows us: so each has a lane of its own,
 * a study that waits is on disk before anything else goes on, and a ledger says of every object which
 * destination has it, so that after whatever interruption only the missing ones are sent.
 */
export { chooseDestinations, type DestinationOptions } from './choose-destinations.ts'
export { Courier, type CourierOptions } from './courier.ts'
export { DiskLedgers } from './ledger/disk-ledgers.ts'
export { MemoryLedgers } from './ledger/ledger.ts'
export { DurableWaiting, ForgetfulWaiting } from './waiting.ts'
export { commands, readCommand, runCommand } from './operator/commands.ts'
export { Desk } from './operator/desk.ts'
export { S3Store } from './carriers/s3/s3-store.ts'
export { tryStore } from './carriers/s3/try-store.ts'
export { RemoteFiles } from './carriers/sftp/remote-files.ts'
export { readDestination, type Destination, type WebTarget } from './destination.ts'
export { listenForReports } from './verify/report-listener.ts'
