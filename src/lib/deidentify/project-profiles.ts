import type { ProjectConfig } from '../config/index.ts'
import { usualShift } from './date-shift.ts'
import { type ProfileChoice, loadProfile } from './load-profile.ts'
import type { Profile } from './profile.ts'

/** What the configuration of a project says of how its profile is to be taken. */
export function settingsOf(deidentify: ProjectConfig['deidentify'] = {}): ProfileChoice {
  const { iKnow = false, dateShift } = deidentify
  if (dateShift === undefined || dateShift.mode === 'fixed') return { iKnow }
  const { mode, maxDays } = dateShift
  return {
    iKnow,
    dateShift: mode === 'none' ? { mode } : { mode, maxDays: maxDays ?? usualShift.maxDays },
  }
}

/**
 * The profile of each project, all of them read now: a mistake in one is told before anything goes out, and what is in
 * force stays so until the tool is started again.
 * @param override of the command line, for all projects
 * @throws FionaError E_PROFILE
 */
export async function loadProjectProfiles(
  projects: Readonly<Record<string, ProjectConfig>>,
  override: { readonly profile?: string | undefined; readonly iKnow?: boolean | undefined },
): Promise<(project: string) => Profile> {
  const known = { iKnow: override.iKnow === true }
  const usual = await loadProfile(override.profile ?? 'basic', known)
  if (override.profile !== undefined) return () => usual
  const profiles = new Map<string, Profile>()
  for (const [name, { deidentify }] of Object.entries(projects)) {
    const settings = settingsOf(deidentify)
    const iKnow = known.iKnow || settings.iKnow === true
    profiles.set(name, await loadProfile(deidentify?.profile ?? 'basic', { ...settings, iKnow }))
  }
  return (project) => profiles.get(project) ?? usual
}
