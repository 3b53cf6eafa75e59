// ZIP and tar files ("packages": the archive is where objects are kept) as streams of members. Nothing is
// ever unpacked into a tree: a member's name is only for messages, its bytes go where its UIDs say. Sizes
// that a package states are not believed; what comes out of it is counted (`Allowance`).
export { Allowance, type PackageLimits } from './allowance.ts'
export type { Member } from './member.ts'
export { readPackage } from './read-package.ts'
export { hasPackageName, packageKind } from './signatures.ts'
