import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import type { AnyRecord, FionaRecord, MarkRecord, RecordType } from '../record/index.ts'

interface OptionBase {
  /** One clause without capital or full stop. */
  readonly describe: string
  readonly required?: boolean
  /** One letter or digit for the hand (`-0`), where other commands have taught it. */
  readonly short?: string
  /** The key of fiona.yaml this option overrides, for the man page. */
  readonly configKey?: string
}
export type OptionDeclaration =
  | (OptionBase & { readonly type: 'string' | 'path'; readonly default?: string })
  | (OptionBase & { readonly type: 'boolean'; readonly default?: boolean })
  | (OptionBase & {
      readonly type: 'integer' | 'number'
      readonly min?: number
      readonly max?: number
      readonly default?: number
    })
  | (OptionBase & {
      readonly type: 'choice'
      readonly choices: readonly string[]
      readonly default?: string
    })
  | (OptionBase & { readonly type: 'strings' })

export type OptionDeclarations = Readonly<Record<string, OptionDeclaration>>

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name
type ValueOf<Option extends OptionDeclaration> = Option extends { type: 'boolean' }
  ? boolean
  : Option extends { type: 'integer' | 'number' }
    ? number
    : Option extends { type: 'strings' }
      ? readonly string[]
      : Option extends { type: 'choice'; choices: readonly (infer Choice)[] }
        ? Choice
        : string
type IsAlwaysThere<Option extends OptionDeclaration> = Option extends
  { required: true } | { default: string | number | boolean } | { type: 'strings' }
  ? true
  : false
/** What `run` gets: camelCased, `undefined` where neither given nor defaulted. */
export type OptionValues<Options extends OptionDeclarations> = {
  readonly [Name in keyof Options & string as CamelCase<Name>]: IsAlwaysThere<
    Options[Name]
  > extends true
    ? ValueOf<Options[Name]>
    : ValueOf<Options[Name]> | undefined
}

/** `undefined` lets nothing out; a record that is to go on must be returned. */
export type FilterResult =
  AnyRecord | FionaRecord | readonly (AnyRecord | FionaRecord)[] | undefined

/** What it returned before has been written to stdout when `mark`, `end` or `timer.fire` is called. */
export interface FilterLogic {
  /** Record types this filter looks at; all others pass through as text, in order. `all`: nothing does. */
  readonly handles: readonly (RecordType | (string & {}))[] | 'all'
  /** Records hold what no log may hold: of an error only its code is logged, at any level. */
  readonly discreet?: boolean
  /**
   * A thrown FionaError becomes an `error` record that holds the input; the stream goes on. Unless the
   * surroundings are at fault (a full disk), which ends the filter.
   */
  record(record: AnyRecord): FilterResult | Promise<FilterResult>
  /** Make everything before this mark durable; when it returns, the mark goes on. */
  mark?(mark: MarkRecord): void | Promise<void>
  /** End of input: what is still to be said. */
  end?(): FilterResult | Promise<FilterResult>
  /** For filters that speak without being spoken to. Times are monotonic (performance.now()), in ms. */
  readonly timer?: {
    dueAt(): number | undefined
    fire(nowMs: number): FilterResult | Promise<FilterResult>
  }
}

export interface ToolContext<Options extends OptionDeclarations> {
  readonly options: OptionValues<Options>
  readonly args: readonly string[]
  /** Everything after `--`. */
  readonly rest: readonly string[]
  /** The configuration, loaded when first asked for. */
  readonly config: () => Promise<Config>
  /** The configuration file in force (--config or FIONA_CONFIG). */
  readonly configPath: string | undefined
  readonly log: Logger
  /** Aborted by SIGTERM, SIGINT, or when the supervising process is gone. */
  readonly signal: AbortSignal
  /** One record to stdout; resolves when it is written (backpressure). */
  readonly emit: (record: AnyRecord | FionaRecord) => Promise<void>
  /** Where stdout is a file: what was emitted is on stable storage when it resolves. */
  readonly sync: () => Promise<void>
  /** One line of text to stdout, for tools that print for people. */
  readonly print: (text: string) => Promise<void>
  /** Bytes to stdout as they are, for tools that pass on whole chunks of lines; resolves as `emit` does. */
  readonly write: (bytes: Buffer) => Promise<void>
  /** Run stdin to stdout through the logic; resolves to the exit code. */
  readonly filter: (logic: FilterLogic) => Promise<number>
}

export interface ToolDeclaration<Options extends OptionDeclarations> {
  readonly name: string
  /** Manual section: 1 for commands, 8 for services and administration. */
  readonly section?: 1 | 8
  readonly summary: string
  /** Paragraphs of the man page, separated by blank lines. */
  readonly description?: string
  readonly reads?: readonly string[]
  readonly adds?: readonly string[]
  readonly writes?: readonly string[]
  readonly arguments?: {
    readonly name: string
    readonly repeated?: boolean
    readonly required?: boolean
    readonly describe: string
  }
  /** What may stand after `--`, for example `'shell pipeline'`. */
  readonly restName?: string
  /** Hand every word to `run` as an argument, options too: for `fiona NAME …`. */
  readonly passThrough?: boolean
  readonly options: Options
  readonly exitCodes?: Readonly<Record<number, string>>
  readonly examples?: readonly (readonly [command: string, what: string])[]
  readonly files?: readonly (readonly [path: string, what: string])[]
  readonly environment?: readonly (readonly [name: string, what: string])[]
  readonly seeAlso?: readonly string[]
  run(context: ToolContext<Options>): Promise<number | undefined | void>
}

/** A declared tool, as the runner and the generators see it. */
export type Tool = ToolDeclaration<OptionDeclarations>

/** Keeps the literal types of `options`, so that `run` is checked against its own declaration. */
export function defineTool<const Options extends OptionDeclarations>(
  declaration: ToolDeclaration<Options>,
): Tool {
  // `run` is called by runTool only with values parsed from these very options.
  return declaration
}

/** Options that every tool takes. */
export const commonOptions = {
  config: { type: 'path', describe: 'configuration file (or FIONA_CONFIG)' },
  'log-level': {
    type: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    describe: 'least severe log line to write to stderr (default: info)',
  },
  help: { type: 'boolean', describe: 'show this help' },
  version: { type: 'boolean', describe: 'show the version' },
} as const satisfies OptionDeclarations

/** Those that this tool itself looks at: one that passes its words on leaves the others to the tool it runs. */
export function commonOptionsOf(tool: Tool): OptionDeclarations {
  const { help, version } = commonOptions
  return tool.passThrough === true ? { help, version } : commonOptions
}
