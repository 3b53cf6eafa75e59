// SHA-256 in a thread of its own, for whoever moves many objects: hashing one costs as much as receiving or sending it.
export { type Digest, Digester, type SharedBytes } from './digester.ts'
