import { ExitCode, FionaError } from '../error/index.ts'
import { readGuardedFile, type UnfitFile } from './guarded-file.ts'

/** No token and no password is longer. */
const longest = 64 << 10

/**
 * The one line of a file that holds a secret. It is read anew each time, so that a secret that is renewed
 * there is used at once. Messages name the path, never what is in it.
 * @param what `the token`, for messages
 * @throws FionaError E_SECRET when it is missing, others may read it, or it is not one line of text
 */
export async function readSecret(path: string, what: string): Promise<string> {
  const bytes = await readSecretFile(path, what)
  const text = bytes.toString('latin1').replace(/\r?\n$/, '')
  if (text === '' || /[^\x20-\x7e\xa0-\xff]/.test(text)) {
    throw bad(
      `${what} in ${path} is not one line of text`,
      'the file holds the secret, and nothing else',
    )
  }
  return text
}

/** The whole of such a file, a private key, say. @throws FionaError E_SECRET */
export async function readSecretFile(path: string, what: string): Promise<Buffer> {
  return readGuardedFile({
    path,
    mostBytes: longest,
    refuse: (unfit) => refusal(path, what, unfit),
  })
}

function refusal(path: string, what: string, unfit: UnfitFile): FionaError {
  switch (unfit.why) {
    case 'unreadable':
      return bad(
        `${what} in ${path} cannot be read (${unfit.code})`,
        'is the path right, and may this user read it?',
      )
    case 'notRegular':
      return bad(`${path} is no regular file`, `it is to hold ${what}`)
    case 'openToOthers':
      return bad(
        `others may read ${what} in ${path}`,
        `chmod 600 ${path}; if others may have read it, have it renewed`,
      )
    case 'size':
      return bad(`${path} is too long`, `it is to hold ${what}, and nothing else`)
  }
}

function bad(message: string, hint: string): FionaError {
  return new FionaError('E_SECRET', message, { hint, exitCode: ExitCode.badConfig })
}
