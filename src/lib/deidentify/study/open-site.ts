import { resolve } from 'node:path'
import type { Config } from '../../config/index.ts'
import { Crosswalk, readSecrets } from '../../crosswalk/index.ts'
import { loadProjectProfiles } from '../profile/project-profiles.ts'
import { Deidentifier } from './deidentifier.ts'
import { exclusionOf } from './exclusions.ts'
import { namingOf } from './name-participant.ts'
import { StudyPartner } from './study-partner.ts'

/** What the command line says of de-identifying. */
export interface SiteOptions {
  readonly keyFile: string | undefined
  readonly out: string | undefined
  readonly dataDir: string | undefined
  readonly profile: string | undefined
  readonly iKnow: boolean | undefined
  readonly project: string | undefined
  readonly participant: string | undefined
  readonly event: string | undefined
  readonly durability: string
}

interface SiteContext {
  readonly config: () => Promise<Config>
  readonly configPath: string | undefined
  readonly signal: AbortSignal
  readonly log: Record<'info' | 'warn', (facts: object, message: string) => void>
}

/** The boundary of a site, with its keys, profiles and crosswalk. */
export interface Site {
  readonly deidentifier: Deidentifier
  readonly dataDir: string
  close(): Promise<void>
}

/**
 * Everything that a mistake can be in is read here, before anything goes out.
 * @throws FionaError E_KEY_MISSING, E_KEY_MODE, E_KEY_INVALID, E_PROFILE, E_CONFIG, E_CROSSWALK_KEY …
 */
export async function openSite(options: SiteOptions, context: SiteContext): Promise<Site> {
  const { config, configPath, signal, log } = context
  const { dataDir: configured, deidentification, projects, requests } = await config()
  const stage = process.env['FIONA_STAGE'] || undefined
  const dataDir = resolve(options.dataDir ?? configured)
  const secrets = await readSecrets({ deidentification, projects }, dataDir, options.keyFile)
  const isSite =
    configPath !== undefined || options.dataDir !== undefined || options.out === undefined
  const { project, participant, event } = options
  const profileOf = await loadProjectProfiles(projects, options)
  const exclusionsOf = (name: string) =>
    exclusionOf([...(projects[name]?.exclude ?? []), ...profileOf(name).exclude])
  const exclusions = new Map(Object.keys(projects).map((name) => [name, exclusionsOf(name)]))
  const namings = new Map(
    Object.entries(projects).map(([name, { deidentify }]) => [
      name,
      namingOf(name, deidentify?.pseudonym, deidentify?.pattern),
    ]),
  )
  const crosswalk = isSite ? await Crosswalk.open(secrets.crosswalkPath, secrets.keys) : undefined
  const partner = StudyPartner.of({
    projects,
    override: { profile: options.profile, iKnow: options.iKnow },
    uidRoot: deidentification.uidRoot,
  })
  const deidentifier = new Deidentifier({
    keyOf: secrets.keyOf,
    namingOf: (name) => namings.get(name) ?? namingOf(name),
    uidRoot: deidentification.uidRoot,
    dataDir,
    out: options.out === undefined ? undefined : resolve(options.out),
    crosswalk,
    project,
    participant,
    event,
    inStage: stage !== undefined,
    signal,
    onlyRequests: requests.length > 0 && project === undefined && participant === undefined,
    profileOf,
    partner,
    exclusionOf: (name) => exclusions.get(name) ?? exclusionsOf(name),
    durable: options.durability === 'fsync',
    howToDecide: (requestId) => commandFor(requestId, options, configPath, dataDir),
    journal: stageTo(),
    onDone: (facts, message) => {
      log.info(facts, message)
    },
    onWarning: (facts, message) => {
      log.warn(facts, message)
    },
  })
  const close = async () => {
    await partner?.close()
    await crosswalk?.close()
  }
  return { deidentifier, dataDir, close }
}

/** The journal behind the stage this runs in. */
function stageTo(): string | undefined {
  return process.env['FIONA_STAGE_TO'] || undefined
}

/** By which a person releases or drops what is held: with all that this run was told. */
function commandFor(
  requestId: string,
  { dataDir: given, keyFile, profile, iKnow }: SiteOptions,
  configPath: string | undefined,
  dataDir: string,
): string {
  const same = Object.entries({
    '--config': configPath,
    '--data-dir': given ?? (configPath === undefined ? dataDir : undefined),
    '--key-file': keyFile,
    '--profile': profile,
  }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${quote(value === 'basic' ? value : resolve(value))}`],
  )
  if (iKnow === true) same.push('--i-know')
  // What is released goes where the stage would have put it.
  const journal = stageTo()
  const released = journal === undefined ? '' : ` --journal ${quote(journal)}`
  return `${['fiona-anon', ...same].join(' ')} --release ${quote(requestId)}${released} # or --drop ${quote(requestId)}`
}

/** For a shell. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
