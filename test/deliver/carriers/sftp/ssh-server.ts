// A real sshd on loopback, with keys, port and folder of its own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../../../fixtures/peers.ts'
import { temporary } from '../../studies.ts'

export class SshServer {
  readonly port: number
  /** What it serves. */
  readonly folder: string
  readonly privateKeyFile: string
  readonly knownHostsFile: string
  readonly #config: string
  #child: ChildProcess | undefined

  private constructor(port: number, directory: string) {
    this.port = port
    this.folder = join(directory, 'served')
    this.privateKeyFile = join(directory, 'key')
    this.knownHostsFile = join(directory, 'known_hosts')
    this.#config = join(directory, 'sshd_config')
    mkdirSync(this.folder)
    makeKey(this.privateKeyFile)
    const authorized = join(directory, 'authorized_keys')
    writeFileSync(authorized, readFileSync(`${this.privateKeyFile}.pub`))
    const hostKey = join(directory, 'host_key')
    makeKey(hostKey)
    writeFileSync(this.knownHostsFile, `[127.0.0.1]:${String(port)} ${publicKey(hostKey)}\n`)
    writeFileSync(
      this.#config,
      [
        `Port ${String(port)}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${authorized}`,
        'PidFile none',
        'StrictModes no',
        'UsePAM no',
        'PermitRootLogin yes',
        'PasswordAuthentication no',
        'Subsystem sftp internal-sftp',
      ].join('\n'),
    )
    // sshd as root wants it, and only then can it make it.
    if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd')
  }

  static async start(): Promise<SshServer> {
    const server = new SshServer(await freePort(), temporary())
    await server.up()
    return server
  }

  get url(): string {
    const address = `${userInfo().username}@127.0.0.1:${String(this.port)}`
    return `sftp://${address}${this.folder}`
  }

  /** What a destination's settings name. */
  get files(): { privateKeyFile: string; knownHostsFile: string } {
    return { privateKeyFile: this.privateKeyFile, knownHostsFile: this.knownHostsFile }
  }

  async up(): Promise<void> {
    this.#child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', this.#config], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    let said = ''
    this.#child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    while (!(await this.#answers())) {
      if (this.#child.exitCode !== null) throw new Error(said)
      await delay(50)
    }
  }

  /** Its sessions stand still, as on a machine that is stuck. @returns lets them go on */
  stall(): () => void {
    const pids = sessionsOf(this.#child?.pid ?? 0)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    return () => {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
  }

  /** With every session, as a power switch would. */
  async die(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    for (const pid of [...sessionsOf(child.pid), child.pid]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // Gone by itself.
      }
    }
    await exited
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1')
      socket.once('data', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => {
        resolve(false)
      })
    })
  }
}

/** Its children and theirs: sshd gives each session two processes. */
function sessionsOf(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .map(Number)
    .filter((child) => child > 0)
    .flatMap((child) => [...sessionsOf(child), child])
}

export function makeKey(path: string, passphrase = ''): void {
  const args = ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', path]
  const { status, stderr } = spawnSync('ssh-keygen', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  chmodSync(path, 0o600)
}

/** Type and key, without the comment. */
export function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')
}
