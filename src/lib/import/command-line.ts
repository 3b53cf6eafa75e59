import { ExitCode, FionaError } from '../error/index.ts'
import type { ObjectSource } from '../intake/index.ts'
import { isProjectName } from '../storage/index.ts'
import { isUid } from '../uid/index.ts'

export interface CommandLine {
  readonly inPlace?: boolean | undefined
  readonly move?: boolean | undefined
  readonly journal?: string | undefined
  readonly project?: string | undefined
  readonly frontDoor?: string | undefined
  readonly recordsOnly?: boolean | undefined
  readonly watch?: string | undefined
  readonly settleSeconds?: number | undefined
  readonly callingAet?: string | undefined
  readonly calledAet?: string | undefined
  readonly strict?: boolean | undefined
  readonly null?: boolean | undefined
  readonly reconcile?: boolean | undefined
  readonly mend?: boolean | undefined
  readonly json?: boolean | undefined
}

/** PS3.5 6.2, AE: up to 16 characters, no backslash, no control character. */
const aeTitle = /^[^\\\u0000-\u001f\u007f-\uffff]{1,16}$/

/**
 * What the declaration of the options cannot say.
 * @returns what records shall say of the source; undefined where nobody said anything
 * @throws FionaError E_USAGE
 */
export function checkCommandLine(
  options: CommandLine,
  paths: readonly string[],
  isTerminal: boolean,
): ObjectSource | undefined {
  const { inPlace, move, journal, project, frontDoor, watch, settleSeconds } = options
  if (options.reconcile === true) {
    checkReconcile(options, paths)
    return undefined
  }
  if (options.mend === true) throw usage('--mend belongs to --reconcile')
  if (options.json === true) throw usage('--json belongs to --reconcile: records are always JSON')
  if (inPlace === true && move === true) {
    throw usage('--move and --in-place exclude each other: a record would point to nothing')
  }
  if (frontDoor !== undefined) {
    if (journal === undefined) throw usage('--front-door needs --journal: where lines enter')
    if (paths.length > 0) throw usage('--front-door takes no PATH: write it into the pipe')
    if (move === true) throw usage('--front-door and --move exclude each other')
  }
  if (options.recordsOnly === true && frontDoor === undefined) {
    throw usage('--records-only belongs to --front-door')
  }
  if (watch !== undefined) {
    if (paths.length > 0) throw usage('--watch takes no PATH: put it into the folder')
    if (inPlace === true) throw usage('--watch moves what it takes: it excludes --in-place')
    if (frontDoor !== undefined) throw usage('--watch and --front-door exclude each other')
  } else if (settleSeconds !== undefined) {
    throw usage('--settle-seconds belongs to --watch and to --reconcile')
  }
  if (frontDoor === undefined && watch === undefined && paths.length === 0 && isTerminal) {
    throw usage('no PATH is given; to type them, give -')
  }
  if (paths.filter((path) => path === '-').length > 1) throw usage('- can be given only once')
  checkProject(project)
  const source: { callingAET?: string; calledAET?: string } = {}
  if (options.callingAet !== undefined) source.callingAET = titled('calling', options.callingAet)
  if (options.calledAet !== undefined) source.calledAET = titled('called', options.calledAet)
  return Object.keys(source).length === 0 ? undefined : source
}

/** It looks at what is there: nothing that says how to import means anything to it. */
function checkReconcile(options: CommandLine, studies: readonly string[]): void {
  const meaningless = {
    '--in-place': options.inPlace,
    '--move': options.move,
    '--strict': options.strict,
    '--null': options.null,
    '--front-door': options.frontDoor,
    '--records-only': options.recordsOnly,
    '--watch': options.watch,
    '--calling-aet': options.callingAet,
    '--called-aet': options.calledAet,
  }
  for (const [name, value] of Object.entries(meaningless)) {
    if (value !== undefined) throw usage(`--reconcile and ${name} exclude each other`)
  }
  const wrong = studies.find((study) => !isUid(study))
  if (wrong !== undefined) {
    throw usage(
      `--reconcile takes Study Instance UIDs, and ${JSON.stringify(wrong.slice(0, 80))} is none`,
    )
  }
  checkProject(options.project)
}

function checkProject(project: string | undefined): void {
  if (project === undefined || isProjectName(project)) return
  throw usage(
    `--project ${JSON.stringify(project.slice(0, 60))} is no name of a project: FIONA keeps things of its own there, or it is no name of a folder`,
  )
}

function titled(which: string, title: string): string {
  if (aeTitle.test(title)) return title
  throw usage(`--${which}-aet must have 1 to 16 characters, none of them a backslash`)
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'run fiona-import --help',
    exitCode: ExitCode.usage,
  })
}
