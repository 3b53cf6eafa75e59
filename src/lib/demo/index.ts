// The chain shown on itself: makes studies of invented patients, sends them over the network to the
// chain it started, follows them through the journals, and looks for the patients in what came out.
export { demonstrate } from './demonstrate.ts'
export type { Demonstration } from './demonstrate.ts'
