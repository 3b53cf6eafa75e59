// Reception: the doors, which contexts are taken, and the way of an object from the connection
// through a part file and the intake to its record, behind which the sender hears success.
export { chooseSyntax, isStorageClass } from './accepted-syntaxes.ts'
export { doorsOf, type Door } from './doors.ts'
export { Reception, type ReceptionOptions } from './reception.ts'
