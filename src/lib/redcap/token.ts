import { inspect } from 'node:util'
import { readGuardedFile, type UnfitFile } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/**
 * The secret that lets a program into one REDCap project. It shows itself to nobody but the one call that sends it:
 * printed, logged or put into a record it is a placeholder.
 */
export class Token {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** For the body of a request alone. */
  reveal(): string {
    return this.#text
  }

  /** The text without any place where the token stands in it: a server may quote what it was sent. */
  removeFrom(text: string): string {
    const pattern = new RegExp(this.#text, 'gi')
    return text.replace(pattern, placeholder)
  }

  toString(): string {
    return placeholder
  }

  toJSON(): string {
    return placeholder
  }

  [inspect.custom](): string {
    return placeholder
  }
}

const placeholder = '[token]'
/** Tokens of projects have 32 characters, those of a super user 64. */
const form = /^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})$/
const mostBytes = 1024

/** What a value in REDCap or a line in a file is, if it is one. */
export function tokenOf(text: string): Token | undefined {
  const trimmed = text.trim()
  return form.test(trimmed) ? new Token(trimmed) : undefined
}

/**
 * A file that holds a token and nothing else, and that nobody but its owner can read.
 * @throws FionaError E_REDCAP_TOKEN (exit 77 where others may read it, else 78)
 */
export async function readToken(path: string): Promise<Token> {
  const bytes = await readGuardedFile({ path, mostBytes, refuse: (unfit) => refusal(path, unfit) })
  const token = tokenOf(bytes.toString('latin1'))
  if (token !== undefined) return token
  throw bad(path, `the token file ${path} does not hold 32 or 64 hexadecimal digits`)
}

function refusal(path: string, unfit: UnfitFile): FionaError {
  switch (unfit.why) {
    case 'unreadable':
      return refuse(
        `the token file ${path} cannot be read (${unfit.code})`,
        howToMake(path),
        ExitCode.badConfig,
        unfit.cause,
      )
    case 'notRegular':
      return bad(path, `the token file ${path} is not a regular file`)
    case 'openToOthers':
      return refuse(
        `others may use the token file ${path} (mode ${unfit.mode})`,
        `chmod 600 ${path}; if others may have read it, have REDCap make a new token`,
        ExitCode.notAllowed,
      )
    case 'size':
      return bad(path, `the token file ${path} is too large for a token`)
  }
}

function bad(path: string, message: string): FionaError {
  return refuse(message, howToMake(path), ExitCode.badConfig)
}

function howToMake(path: string): string {
  return `copy the token from the page API of the REDCap project into ${path}, alone, for the user FIONA runs as, with mode 0600`
}

function refuse(message: string, hint: string, exitCode: ExitCode, cause?: unknown): FionaError {
  return new FionaError('E_REDCAP_TOKEN', message, { hint, exitCode, cause })
}
