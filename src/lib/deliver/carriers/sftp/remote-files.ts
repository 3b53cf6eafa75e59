import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Client, SFTPWrapper, Stats } from 'ssh2'
import { readSecret, readSecretFile } from '../../../config/index.ts'
import { ExitCode, FionaError } from '../../../error/index.ts'
import type { SftpTarget } from '../../destination.ts'
import { algorithmsFor, judge, keysOf } from './known-hosts.ts'
import {
  SftpStatus,
  badKey,
  hostKeyRefused,
  lost,
  notConnected,
  notDone,
  notLoggedIn,
  stopped,
  timedOut,
} from './sftp-trouble.ts'

type Done<Value> = (error: Error | null | undefined, value: Value) => void
/** What every server takes in one write (draft-ietf-secsh-filexfer-02, 3). */
const mostBytesInOne = 32 << 10

/**
 * Files on an SSH server, by SFTP version 3. One connection; whatever waits when it fails gets the reason.
 * Everything throws FionaError E_SFTP, E_TIMEOUT, E_SSH_LOST or E_STOPPED.
 */
export class RemoteFiles {
  readonly peer: string
  readonly #client: Client
  readonly #sftp: SFTPWrapper
  readonly #timeoutSeconds: number
  readonly #waiting = new Set<(error: FionaError) => void>()
  #failure: FionaError | undefined

  private constructor(peer: string, client: Client, sftp: SFTPWrapper, timeoutSeconds: number) {
    this.peer = peer
    this.#client = client
    this.#sftp = sftp
    this.#timeoutSeconds = timeoutSeconds
    const end = (cause?: unknown): void => {
      this.#fail(lost(peer, cause))
    }
    client.on('error', end)
    client.on('close', end)
    sftp.on('close', end)
    sftp.on('error', end)
  }

  /** @throws FionaError E_CONNECT, E_TIMEOUT, E_HOST_KEY, E_SSH_LOGIN, E_SECRET, E_STOPPED */
  static async open(
    target: SftpTarget,
    timeoutSeconds: number,
    signal: AbortSignal,
  ): Promise<RemoteFiles> {
    const { host, port, user, knownHostsFile, privateKeyFile, passphraseFile } = target
    const peer = `${user}@${host}:${String(port)}`
    if (signal.aborted) throw stopped(peer)
    const known = keysOf(await readKnownHosts(knownHostsFile), host, port)
    const privateKey = await readSecretFile(privateKeyFile, 'the private key')
    const passphrase =
      passphraseFile === undefined ? undefined : await readSecret(passphraseFile, 'the passphrase')
    // Loaded when it is first needed.
    const { default: ssh2 } = await import('ssh2')
    const client = new ssh2.Client()
    const serverHostKey = algorithmsFor(known)
    return new Promise((resolve, reject) => {
      let refusal: FionaError | undefined
      let isReady = false
      const give = (error: FionaError): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
        client.destroy()
        reject(error)
      }
      const stop = (): void => {
        give(stopped(peer))
      }
      const timer = setTimeout(() => {
        give(timedOut(peer, timeoutSeconds))
      }, timeoutSeconds * 1000)
      signal.addEventListener('abort', stop, { once: true })
      client.on('error', (error: Error & { level?: string }) => {
        if (refusal !== undefined) give(refusal)
        else if (error.level === 'client-authentication') give(notLoggedIn(peer, error))
        else give(notConnected(peer, error))
      })
      client.on('close', () => {
        if (!isReady) give(refusal ?? notConnected(peer, new Error('closed')))
      })
      client.on('ready', () => {
        client.sftp((error, sftp) => {
          if (error !== undefined) {
            give(notDone(peer, 'it gives no SFTP', SftpStatus.unsupported))
            return
          }
          isReady = true
          clearTimeout(timer)
          signal.removeEventListener('abort', stop)
          resolve(new RemoteFiles(peer, client, sftp, timeoutSeconds))
        })
      })
      try {
        client.connect({
          host,
          port,
          username: user,
          privateKey,
          ...(passphrase === undefined ? {} : { passphrase }),
          readyTimeout: 0,
          algorithms: serverHostKey.length === 0 ? {} : { serverHostKey: serverHostKey as never },
          hostVerifier: (key: Buffer) => {
            const verdict = judge(known, key)
            if (verdict === 'known') return true
            const digest = createHash('sha256').update(key).digest('base64').replace(/=+$/, '')
            refusal = hostKeyRefused(peer, verdict, `SHA256:${digest}`, knownHostsFile)
            return false
          },
        })
      } catch (error) {
        // It looks at the key before it connects.
        give(error instanceof FionaError ? error : badKey(privateKeyFile, error))
      }
    })
  }

  /** Why it can no longer be used. */
  get failure(): FionaError | undefined {
    return this.#failure
  }

  /** @returns undefined when there is nothing of that name */
  async stat(
    path: string,
  ): Promise<{ size: number; isFile: boolean; isDirectory: boolean } | undefined> {
    const stats = await this.#ask<Stats>('a file cannot be looked at', (done) => {
      this.#sftp.lstat(path, done)
    }).catch(unless(SftpStatus.noSuchFile))
    if (stats === undefined) return undefined
    return { size: stats.size, isFile: stats.isFile(), isDirectory: stats.isDirectory() }
  }

  /** One directory; it may be there already, and be a link. */
  async makeDirectory(path: string): Promise<void> {
    try {
      await this.#ask('a directory cannot be made', (done) => {
        this.#sftp.mkdir(path, done as never)
      })
    } catch (error) {
      const stats = await this.#ask<Stats>('a directory cannot be looked at', (done) => {
        this.#sftp.stat(path, done)
      }).catch(unless(SftpStatus.noSuchFile))
      if (stats?.isDirectory() !== true) throw error
    }
  }

  /** @param how `w` empties it, `r+` leaves what is there */
  open(path: string, how: 'r' | 'w' | 'r+'): Promise<Buffer> {
    return this.#ask('a file cannot be opened', (done) => {
      this.#sftp.open(path, how, done)
    })
  }

  close(handle: Buffer): Promise<void> {
    return this.#ask('a file cannot be closed', (done) => {
      this.#sftp.close(handle, done)
    })
  }

  /** @returns how many bytes; 0 at its end */
  async read(handle: Buffer, into: Buffer, at: number): Promise<number> {
    const bytes = await this.#ask<number>('a file cannot be read', (done) => {
      this.#sftp.read(
        handle,
        into,
        0,
        Math.min(into.length, mostBytesInOne),
        at,
        (error, count) => {
          done(error, count)
        },
      )
    }).catch(unless(1))
    return bytes ?? 0
  }

  /** All of it; the pieces are on their way together. The bytes may be used again when it resolves. */
  async write(handle: Buffer, bytes: Buffer, at: number): Promise<void> {
    const pieces: Promise<void>[] = []
    for (let from = 0; from < bytes.length; from += mostBytesInOne) {
      const length = Math.min(mostBytesInOne, bytes.length - from)
      pieces.push(
        this.#ask('a file cannot be written', (done) => {
          this.#sftp.write(handle, bytes, from, length, at + from, done)
        }),
      )
    }
    // All of them, so that none is under way when the bytes are used again.
    for (const end of await Promise.allSettled(pieces)) {
      if (end.status === 'rejected') throw end.reason
    }
  }

  /** To stable storage, where the server can do that (fsync@openssh.com). @returns whether it can */
  async sync(handle: Buffer): Promise<boolean> {
    return this.#extended((done) => {
      this.#sftp.ext_openssh_fsync(handle, done as never)
    })
  }

  /** Fails where the new name is taken. */
  rename(from: string, to: string): Promise<void> {
    return this.#ask('a file cannot be renamed', (done) => {
      this.#sftp.rename(from, to, done)
    })
  }

  /** Over what is there; at once where the server can do that (posix-rename@openssh.com). */
  async replace(from: string, to: string): Promise<void> {
    const isDone = await this.#extended((done) => {
      this.#sftp.ext_openssh_rename(from, to, done as never)
    })
    if (isDone) return
    await this.remove(to)
    await this.rename(from, to)
  }

  async remove(path: string): Promise<void> {
    await this.#ask('a file cannot be removed', (done) => {
      this.#sftp.unlink(path, done as never)
    })
  }

  /** The end of it. */
  end(): void {
    this.#failure ??= lost(this.peer)
    this.#client.end()
  }

  stop(): void {
    this.#fail(stopped(this.peer))
  }

  /** @returns false when the server does not know it */
  async #extended(call: (done: Done<unknown>) => void): Promise<boolean> {
    let isKnown = true
    await this.#ask('it could not be done', (done) => {
      try {
        call(done)
      } catch {
        // ssh2 throws when the server has not offered it.
        isKnown = false
        done(undefined, undefined)
      }
    })
    return isKnown
  }

  #ask<Value>(what: string, call: (done: Done<Value>) => void): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      const timer = setTimeout(() => {
        this.#fail(timedOut(this.peer, this.#timeoutSeconds))
      }, this.#timeoutSeconds * 1000)
      const end = (error: FionaError): void => {
        clearTimeout(timer)
        reject(error)
      }
      this.#waiting.add(end)
      call((error, value) => {
        if (!this.#waiting.delete(end)) return
        clearTimeout(timer)
        if (!error) resolve(value)
        else {
          const code: unknown = (error as { code?: unknown }).code
          reject(
            typeof code === 'number'
              ? Object.assign(notDone(this.peer, what, code), { status: code })
              : (this.#failure ?? lost(this.peer, error)),
          )
        }
      })
    })
  }

  #fail(error: FionaError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#client.destroy()
    for (const end of this.#waiting) end(error)
    this.#waiting.clear()
  }
}

async function readKnownHosts(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new FionaError('E_HOST_KEY', `knownHostsFile ${path} cannot be read`, {
      hint: 'is the path right, and may this user read it?',
      exitCode: ExitCode.badConfig,
      cause: error,
    })
  })
}

/** For `catch`: undefined instead of an error with this status. */
function unless(status: number): (error: unknown) => undefined {
  return (error) => {
    if ((error as { status?: unknown }).status === status) return undefined
    throw error
  }
}
