import type { ProjectConfig } from '../../config/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { type DateShift, usualShift } from '../dates/date-shift.ts'
import { type ProfileChoice, loadProfile } from './load-profile.ts'
import type { Profile } from './profile.ts'

/** What the configuration of a project says of how its profile is to be taken. */
export function settingsOf(deidentify: ProjectConfig['deidentify'] = {}): ProfileChoice {
  const { iKnow = false, dateShift } = deidentify
  return dateShift === undefined ? { iKnow } : { iKnow, dateShift: shiftOf(dateShift) }
}

function shiftOf({
  mode,
  days,
  maxDays,
}: NonNullable<NonNullable<ProjectConfig['deidentify']>['dateShift']>): DateShift {
  if (mode === 'none') return { mode }
  if (mode === 'perParticipant') return { mode, maxDays: maxDays ?? usualShift.maxDays }
  if (days === undefined) throw new Error('the configuration was not checked')
  return { mode, days }
}

/**
 * What a project's configuration says of its profile and the profile does not do: it must not be passed over.
 * @throws FionaError E_PROFILE
 */
export function requireHonoured(
  project: string,
  { iKnow, dateShift }: ProfileChoice,
  profile: Profile,
): void {
  if (iKnow === true && profile.base !== 'none') {
    throw passedOver(project, 'iKnow', `its profile ${profile.name} has the base basic`)
  }
  if (dateShift === undefined || isSame(dateShift, profile.dateShift)) return
  const why =
    profile.dateShift.mode === 'none'
      ? `no option and no rule of its profile ${profile.name} shifts dates`
      : `its profile ${profile.name} has a dateShift of its own, and another one`
  throw passedOver(project, 'dateShift', why)
}

function isSame(a: DateShift, b: DateShift): boolean {
  if (a.mode === 'fixed') return b.mode === 'fixed' && a.days === b.days
  if (a.mode === 'none') return b.mode === 'none'
  return b.mode === 'perParticipant' && a.maxDays === b.maxDays
}

function passedOver(project: string, key: string, why: string): FionaError {
  return new FionaError('E_PROFILE', `projects.${project}.deidentify.${key} does nothing: ${why}`, {
    hint: 'correct the profile, or leave the key out; nothing was de-identified',
    exitCode: ExitCode.badConfig,
  })
}

/**
 * The profile of each project, all of them read now: a mistake in one is told before anything goes out, and what is in
 * force stays so until the tool is started again.
 * @param override of the command line, for all projects; how a project shifts dates stays the project's
 * @throws FionaError E_PROFILE
 */
export async function loadProjectProfiles(
  projects: Readonly<Record<string, ProjectConfig>>,
  override: { readonly profile?: string | undefined; readonly iKnow?: boolean | undefined },
): Promise<(project: string) => Profile> {
  const known = { iKnow: override.iKnow === true }
  const usual = await loadProfile(override.profile ?? 'basic', known)
  const profiles = new Map<string, Profile>()
  for (const [name, { deidentify }] of Object.entries(projects)) {
    const settings = settingsOf(deidentify)
    const iKnow = known.iKnow || settings.iKnow === true
    const chosen = override.profile ?? deidentify?.profile ?? 'basic'
    const profile = await loadProfile(chosen, { ...settings, iKnow })
    if (override.profile === undefined) requireHonoured(name, settings, profile)
    profiles.set(name, profile)
  }
  return (project) => profiles.get(project) ?? usual
}
