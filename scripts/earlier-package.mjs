// The package of an earlier version, built from the history of this repository.
import { execFileSync, spawnSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The last one whose fiona-arrive writes state of version 2, and that has no unit for further front doors. */
const earlier = process.env.FIONA_EARLIER ?? '657661839fe0090f90684db3261af925087c81ef'

/**
 * @param work where its work tree may be
 * @param into the folder for the package
 * @returns false where the history does not reach back so far (a shallow clone)
 */
export function packageEarlier(work, into) {
  if (spawnSync('git', ['cat-file', '-e', `${earlier}^{commit}`]).status !== 0) return false
  const tree = join(work, 'earlier')
  const git = (...args) => execFileSync('git', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  git('worktree', 'add', '--quiet', '--detach', tree, earlier)
  try {
    symlinkSync(resolve('node_modules'), join(tree, 'node_modules'))
    execFileSync(process.execPath, [join(tree, 'scripts/package.mjs'), into], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } finally {
    git('worktree', 'remove', '--force', tree)
  }
  return true
}
