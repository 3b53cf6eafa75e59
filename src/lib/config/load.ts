import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { credentialOr } from './credential.ts'
import { destinationsFrom } from './destination-paths.ts'
import { originalRules } from './original.ts'
import type { ReadConfig } from './parse-config.ts'
import type { ConfigFile } from './schema.ts'

type RequestSource = ConfigFile['requests'][number]

/** The configuration in force: every default filled in, paths of the data absolute. */
export interface Config extends Omit<ConfigFile, 'requests'> {
  readonly dataDir: string
  readonly runDir: string
  /** The file it came from; undefined when the embedded defaults apply. */
  readonly path: string | undefined
  readonly requests: readonly RequestsConfig[]
}
/** One source of requests; a table is always told by its file. */
export interface RequestsConfig extends Omit<RequestSource, 'table'> {
  readonly table?: { readonly file: string; readonly expireDays?: number }
}
export type DestinationConfig = ConfigFile['destinations'][string]
export type ProjectConfig = ConfigFile['projects'][string]

/**
 * @param path a YAML or JSON file; undefined for the embedded defaults. Relative paths in it are
 *   relative to its directory.
 * @param override a data directory that a stage was told (FIONA_DATA_DIR), in place of the file's
 * @throws FionaError E_CONFIG (exit 78) listing every mistake with its line
 */
export async function loadConfig(
  path: string | undefined,
  override: { readonly dataDir?: string | undefined } = {},
): Promise<Config> {
  const base = path === undefined ? process.cwd() : dirname(resolve(path))
  const file = path === undefined ? await embeddedDefaults() : await readFileAt(path)
  const dataDir = resolve(base, override.dataDir ?? file.dataDir)
  const { keyFile, crosswalk } = file.deidentification
  const { rules } = file.classification
  const { tls } = file.receiver
  return {
    ...file,
    dataDir,
    runDir: file.runDir === undefined ? join(dataDir, 'run') : resolve(base, file.runDir),
    receiver: {
      ...file.receiver,
      ...(tls === undefined ? {} : { tls: absoluteFrom(tls, base) }),
    },
    inboxes: file.inboxes.map((one) => ({ ...one, folder: resolve(base, one.folder) })),
    classification: {
      ...file.classification,
      ...(rules === undefined ? {} : { rules: resolve(base, rules) }),
    },
    deidentification: {
      ...file.deidentification,
      ...(keyFile === undefined ? {} : { keyFile: credentialOr(resolve(base, keyFile)) }),
      ...(crosswalk === undefined ? {} : { crosswalk: resolve(base, crosswalk) }),
    },
    projects: Object.fromEntries(
      Object.entries(file.projects).map(([name, one]) => [name, withRulesFrom(one, base)]),
    ),
    requests: file.requests.map((one) => withPathsFrom(one, base)),
    destinations: destinationsFrom(file.destinations, base),
    path: path === undefined ? undefined : resolve(path),
  }
}

/** A profile is a file, but for the one that has a name. */
function withRulesFrom(project: ProjectConfig, base: string): ProjectConfig {
  if (project.deidentify === undefined) return project
  const { profile, keyFile, ...others } = project.deidentify
  const isFile = profile !== undefined && profile !== 'basic'
  const deidentify = {
    ...others,
    ...(profile === undefined ? {} : { profile: isFile ? resolve(base, profile) : profile }),
    ...(keyFile === undefined ? {} : { keyFile: credentialOr(resolve(base, keyFile)) }),
  }
  return { ...project, deidentify }
}

function withPathsFrom(source: RequestSource, base: string): RequestsConfig {
  const { table, redcap, ...others } = source
  return {
    ...others,
    ...(table === undefined ? {} : { table: tableFrom(table, base) }),
    ...(redcap === undefined
      ? {}
      : { redcap: { ...redcap, tokenFile: credentialOr(resolve(base, redcap.tokenFile)) } }),
  }
}

function tableFrom(
  table: NonNullable<RequestSource['table']>,
  base: string,
): { readonly file: string; readonly expireDays?: number } {
  const { file, ...others } = typeof table === 'string' ? { file: table } : table
  return { file: resolve(base, file), ...others }
}

/** All of its values are paths. */
function absoluteFrom<Paths extends object>(paths: Paths, base: string): Paths {
  const absolute = Object.entries(paths).map(([key, path]) => [
    key,
    credentialOr(resolve(base, String(path))),
  ])
  return Object.fromEntries(absolute) as Paths
}

/** Without the YAML parser, which takes as long to load as all the rest of a tool. */
async function embeddedDefaults(): Promise<ConfigFile> {
  const { validateConfig } = await import('./generated/validate-config.js')
  const value = {}
  // The validator fills in every default.
  validateConfig(value)
  return value as ConfigFile
}

async function readFileAt(path: string): Promise<ConfigFile> {
  const { file, original } = await readConfig(path)
  return original === undefined ? file : withRulesBeside(file, path)
}

/** The original's rules need no key: they lie beside what reads them, and mean what they meant there. */
function withRulesBeside(file: ConfigFile, path: string): ConfigFile {
  if (!existsSync(join(dirname(path), originalRules))) return file
  return { ...file, classification: { rules: originalRules, semantics: 'compat' } }
}

/** An original FIONA's configuration, and what it means to this one. */
export interface OriginalConfig {
  /** All keys, as they stand there. */
  readonly original: Readonly<Record<string, unknown>>
  readonly config: Config
}

/**
 * @returns undefined where the file is one of ours
 * @throws FionaError E_CONFIG (exit 78) listing every mistake with its line
 */
export async function loadOriginal(path: string): Promise<OriginalConfig | undefined> {
  const { original } = await readConfig(path)
  return original === undefined ? undefined : { original, config: await loadConfig(path) }
}

async function readConfig(path: string): Promise<ReadConfig> {
  const { parseConfig } = await import('./parse-config.ts')
  return parseConfig(await readText(path), path)
}

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    if (error instanceof TypeError) {
      throw new FionaError('E_CONFIG', `the configuration ${path} is not UTF-8 text`, {
        hint: 'save it as UTF-8; nothing was started',
        exitCode: ExitCode.badConfig,
        cause: error,
      })
    }
    const code = (error as NodeJS.ErrnoException).code
    throw new FionaError(
      'E_CONFIG',
      code === 'ENOENT'
        ? `no configuration file at ${path}`
        : `the configuration ${path} cannot be read (${String(code)})`,
      {
        hint: 'give one with --config or FIONA_CONFIG',
        exitCode: ExitCode.badConfig,
        cause: error,
      },
    )
  }
}
