import { basename, extname } from 'node:path'
import { ExitCode, FionaError } from '../../error/index.ts'
import { readTextFile } from '../../storage/index.ts'
import { basicProfile } from './basic-profile.ts'
import type { ProfileSettings } from '../profile-file/compile-profile.ts'
import type { ProfileProblem } from '../profile-file/problems.ts'
import type { Profile } from './profile.ts'

export interface ProfileChoice extends ProfileSettings {
  /** `base: none` is what is wanted, and its consequences are known. */
  readonly iKnow?: boolean
}

/** A profile as it was found: with mistakes it cannot be used. */
export interface CheckedProfile {
  readonly name: string
  readonly problems: readonly ProfileProblem[]
  readonly profile: Profile | undefined
}

/**
 * The profile of this name: `basic`, or the file there.
 * @throws FionaError E_PROFILE (exit 78) with every mistake, its line and column
 */
export async function loadProfile(name: string, choice: ProfileChoice = {}): Promise<Profile> {
  if (name === 'basic') return basicProfile()
  const { problems, read } = await readFile(name, choice)
  problems.refuse()
  if (read === undefined) throw new Error('a profile without mistakes was not made')
  if (read.profile.base === 'none' && choice.iKnow !== true) throw mustKnow(name)
  return read.profile
}

/**
 * What `--lint` and `fiona-ctl check` say of a profile.
 * @throws FionaError E_PROFILE where there is no such file, or no text in it
 */
export async function checkProfile(
  name: string,
  choice: ProfileChoice = {},
): Promise<CheckedProfile> {
  if (name === 'basic') return { name, problems: [], profile: basicProfile() }
  const { problems, read } = await readFile(name, choice)
  if (read !== undefined) {
    const { lintProfile } = await reading()
    lintProfile(read.file, read.profile.table, problems)
  }
  return { name, problems: problems.all(), profile: read?.profile }
}

/** Loaded where there is a file: most tools, and most sites, have none. */
const reading = () => import('../profile-file/index.ts')

async function readFile(path: string, choice: ProfileChoice) {
  const written = await readTextFile(path, {
    code: 'E_PROFILE',
    what: 'profile',
    hint: 'give the name of a profile file, or basic; nothing was de-identified',
    exitCode: ExitCode.badConfig,
    mostMebibytes: 1,
    regular: true,
  })
  const { Problems, compileProfile, readProfile } = await reading()
  const problems = new Problems(path, written)
  const file = readProfile(written, problems)
  const profile = file && compileProfile(file, nameOf(path), problems, choice)
  const read = file === undefined || profile === undefined ? undefined : { file, profile }
  return { problems, read }
}

/** As records name it. */
function nameOf(path: string): string {
  const name = basename(path, extname(path))
    .replace(/[^\x21-\x7e]/g, '_')
    .slice(0, 64)
  return name === '' || name === 'basic' ? `${name}-file` : name
}

function mustKnow(path: string): FionaError {
  return new FionaError(
    'E_PROFILE',
    `${path} has base none: whatever no rule of it names would go out as it is`,
    {
      hint: 'write base: basic; or say that this is meant, with --i-know or deidentify.iKnow of the project',
      exitCode: ExitCode.badConfig,
    },
  )
}
