// Reception: who may associate, which contexts are taken, and the way of an object from the connection
// through a part file and the intake to its record, behind which the sender hears success.
export { Access, type AccessOptions } from './access.ts'
export { chooseSyntax, isStorageClass } from './accepted-syntaxes.ts'
export { Receiver, type ReceiverOptions } from './receiver.ts'
export { readTlsOptions } from './tls-options.ts'
