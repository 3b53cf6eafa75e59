import { randomBytes } from 'node:crypto'
import { isatty } from 'node:tty'
import type { Config } from '../../config/index.ts'
import { readKeyFile } from '../../crosswalk/index.ts'
import { DicomFile } from '../../dicom/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { readTextFile } from '../../storage/index.ts'
import { exclusionOf } from '../study/exclusions.ts'
import { explainObject } from '../explain/explain-object.ts'
import { checkProfile } from './load-profile.ts'
import { formatProblem } from '../profile-file/problems.ts'
import { uidWayOf } from './profile.ts'
import { loadProjectProfiles } from './project-profiles.ts'
import { Pseudonyms } from '../pseudonyms.ts'

export interface ProfileQuestions {
  readonly lint: string | undefined
  readonly convert: string | undefined
  readonly explain: string | undefined
  readonly profile: string | undefined
  readonly iKnow: boolean | undefined
  readonly project: string | undefined
  readonly participant: string | undefined
  readonly event: string | undefined
  readonly keyFile: string | undefined
  /** ClassifyType of the object that is explained, with commas between, in place of what the rules give. */
  readonly classifyType: string | undefined
}

type Print = (text: string) => Promise<void>

/** What rules of classification give an object. */
export interface GivenTypes {
  readonly types: readonly string[]
  /** The rules, for who reads it. */
  readonly by: string
}

/** What the questions are answered from. */
export interface ProfileSurroundings {
  readonly config: () => Promise<Config>
  readonly print: Print
  /** By the rules that are in force here. */
  readonly classify: (file: DicomFile) => Promise<GivenTypes>
}

/**
 * What a person asks of a profile, instead of de-identifying: is it right, what would the original's file be, what
 * becomes of an object.
 * @returns the exit code; undefined when nothing was asked
 */
export async function lookAtProfiles(
  questions: ProfileQuestions,
  surroundings: ProfileSurroundings,
): Promise<number | undefined> {
  const { print } = surroundings
  const { lint, convert, explain } = questions
  const asked = [lint, convert, explain].filter((one) => one !== undefined)
  if (asked.length > 1) throw usage('--lint, --convert and --explain are three questions')
  if (questions.classifyType !== undefined && explain === undefined) {
    throw usage('--classify-type says what rules gave the object of --explain')
  }
  if (lint !== undefined) return lintOne(lint, print)
  if (convert !== undefined) return convertOne(convert, print)
  return explain === undefined ? undefined : explainOne(explain, questions, surroundings)
}

async function lintOne(path: string, print: Print): Promise<number> {
  const { name, problems, profile } = await checkProfile(path)
  for (const problem of problems) await print(formatProblem(name, problem))
  if (profile === undefined) return ExitCode.badConfig
  const count = problems.length === 0 ? 'no' : String(problems.length)
  await print(
    `${name}: no mistakes, ${count} ${problems.length === 1 ? 'warning' : 'warnings'}; digest ${profile.digest}`,
  )
  return ExitCode.ok
}

async function convertOne(path: string, print: Print): Promise<number> {
  const text = await readTextFile(path, {
    code: 'E_PROFILE',
    what: 'file of the original',
    hint: 'give the name of an anonymizeTags.json, or of a text with lines of --tagchange',
    exitCode: ExitCode.badConfig,
    mostMebibytes: 1,
    regular: true,
  })
  const { convertOriginal } = await import('../profile-file/index.ts')
  await print(convertOriginal(text, path).trimEnd())
  return ExitCode.ok
}

async function explainOne(
  path: string,
  {
    profile,
    iKnow,
    project = 'default',
    participant = 'PARTICIPANT',
    event,
    keyFile,
    classifyType,
  }: ProfileQuestions,
  { config, print, classify }: ProfileSurroundings,
): Promise<number> {
  // What goes into a file or a pipe is kept, sent on, or read by others.
  if (!isatty(1)) throw usage('--explain shows the values of the patient, on a terminal only')
  const { deidentification, projects } = await config()
  const profileOf = await loadProjectProfiles(projects, { profile, iKnow })
  const secret = keyFile ?? projects[project]?.deidentify?.keyFile ?? deidentification.keyFile
  const key = secret === undefined ? randomBytes(32) : await readKeyFile(secret)
  const chosen = profileOf(project)
  const pseudonyms = new Pseudonyms(key, project, deidentification.uidRoot, uidWayOf(chosen))
  await print(`profile ${chosen.name}, digest ${chosen.digest}`)
  if (secret === undefined) {
    await print('without --key-file: new UIDs, hashes and dates are made up for this once')
  }
  using file = DicomFile.open(path)
  const { types, by } = classifyType === undefined ? await classify(file) : saidTypes(classifyType)
  await print(`${by}: ${types.length === 0 ? 'no type' : types.join(', ')}`)
  const exclude = [...(projects[project]?.exclude ?? []), ...chosen.exclude]
  const lines = explainObject(file, {
    profile: chosen,
    exclusion: exclusionOf(exclude),
    pseudonyms,
    participant,
    project,
    event,
    types,
  })
  for await (const line of lines) await print(line)
  return ExitCode.ok
}

function saidTypes(text: string): GivenTypes {
  const types = text
    .split(',')
    .map((type) => type.trim())
    .filter((type) => type !== '')
  return { types, by: 'types by --classify-type' }
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'see fiona-anon --help',
    exitCode: ExitCode.usage,
  })
}
