import { ExitCode, FionaError } from '../../../error/index.ts'

/** Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, 7). */
export const SftpStatus = {
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  unsupported: 8,
} as const

const words: Readonly<Record<number, string>> = {
  2: 'no such file',
  3: 'permission denied',
  4: 'failure',
  5: 'bad message',
  8: 'not supported',
}

/** The server's answer to something about a file. Its own words are not told: they may name anything. */
export function notDone(peer: string, what: string, status: number): FionaError {
  const isDenied = status === SftpStatus.permissionDenied || status === SftpStatus.unsupported
  return new FionaError(
    'E_SFTP',
    `${peer}: ${what} (${words[status] ?? `status ${String(status)}`})`,
    {
      hint: isDenied
        ? 'the user must be allowed to write there'
        : 'is there space, and is the quota not used up? See the log of the server',
      retryable: !isDenied,
      exitCode: ExitCode.cannotCreate,
    },
  )
}

export function hostKeyRefused(
  peer: string,
  why: 'unknown' | 'changed' | 'revoked',
  fingerprint: string,
  file: string,
): FionaError {
  const messages = {
    unknown: `${peer} is not in ${file}; it shows the key ${fingerprint}`,
    changed: `${peer} shows another key (${fingerprint}) than ${file} has for it`,
    revoked: `${peer} shows a key that ${file} marks as revoked (${fingerprint})`,
  }
  return new FionaError('E_HOST_KEY', messages[why], {
    hint:
      why === 'unknown'
        ? 'nothing was sent. Ask whoever runs it for the fingerprint; if it is this one, add the line of ssh-keyscan to the file'
        : 'nothing was sent: somebody may stand between. Ask whoever runs it whether the key was changed, and put the new one into the file',
    exitCode: ExitCode.notAllowed,
  })
}

export function notLoggedIn(peer: string, cause: unknown): FionaError {
  return new FionaError('E_SSH_LOGIN', `${peer} does not let us in with our key`, {
    hint: 'the public half of privateKeyFile must stand in authorized_keys of that user there',
    exitCode: ExitCode.notAllowed,
    cause,
  })
}

export function badKey(path: string, cause: unknown): FionaError {
  return new FionaError('E_SECRET', `the private key ${path} cannot be used`, {
    hint: 'it is a key as ssh-keygen makes it; if it has a passphrase, name passphraseFile',
    exitCode: ExitCode.badConfig,
    cause,
  })
}

export function notConnected(peer: string, cause: Error): FionaError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'it is no SSH server, or hangs up'
  return new FionaError('E_CONNECT', `no connection to ${peer} (${code})`, {
    hint: 'is it running, and are host and port right? Is a firewall between?',
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause,
  })
}

export function lost(peer: string, cause?: unknown): FionaError {
  return new FionaError('E_SSH_LOST', `the connection to ${peer} broke`, {
    retryable: true,
    exitCode: ExitCode.unavailable,
    cause,
  })
}

export function timedOut(peer: string, seconds: number): FionaError {
  return new FionaError('E_TIMEOUT', `${peer}: no answer within ${String(seconds)} s`, {
    retryable: true,
    exitCode: ExitCode.unavailable,
  })
}

export function stopped(peer: string): FionaError {
  return new FionaError('E_STOPPED', `the connection to ${peer} was given up: we were stopped`, {
    retryable: true,
    exitCode: ExitCode.tryAgain,
  })
}
