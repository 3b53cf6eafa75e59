import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { ExitCode, FionaError } from '../error/index.ts'

const execute = promisify(execFile)
const target = 'fiona.target'

/** Whether systemd runs here and has our target. */
export async function hasSystemd(running = '/run/systemd/system'): Promise<boolean> {
  if (!existsSync(running)) return false
  const { stdout } = await execute('systemctl', ['show', target, '--property=LoadState']).catch(
    () => ({ stdout: '' }),
  )
  return stdout.trim() === 'LoadState=loaded'
}

/** The unit of a part; undefined: of the whole chain. */
export function unitOf(part: string | undefined): string {
  if (part === undefined) return target
  if (part === 'receiver') return 'fiona-scp@default.service'
  // As it is, not escaped: the unit hands the name on as %i.
  const project = /^receiver-(.*)$/.exec(part)?.[1]
  if (project !== undefined) return `fiona-scp@${project}.service`
  if (part === 'front-door' || part === 'mpps') return `fiona-${part}.service`
  return `fiona-stage@${part}.service`
}

export class Systemd {
  /** @throws FionaError E_SYSTEMD with what systemctl said */
  async perform(
    word: 'start' | 'stop' | 'restart' | 'enable' | 'disable',
    part: string | undefined,
  ): Promise<void> {
    const now = word === 'enable' || word === 'disable' ? ['--now'] : []
    await this.#run([word, ...now, '--', unitOf(part)])
  }

  async part(name: string): Promise<Readonly<Record<string, unknown>>> {
    const wanted = 'ActiveState,MainPID,NRestarts,StateChangeTimestamp,Result'
    const text = await this.#run(['show', `--property=${wanted}`, '--', unitOf(name)])
    const found: Readonly<Record<string, string>> = Object.fromEntries(
      text.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
    )
    const pid = Number(found['MainPID'])
    const states: Readonly<Record<string, string>> = {
      active: 'running',
      inactive: 'stopped',
      failed: 'failing',
    }
    const result = found['Result']
    return {
      name,
      state: states[found['ActiveState'] ?? ''] ?? 'waiting',
      ...(pid > 0 ? { pid } : {}),
      since: found['StateChangeTimestamp'],
      restarts: Number(found['NRestarts'] ?? 0),
      ...(result === undefined || result === 'success' ? {} : { lastError: result }),
    }
  }

  async #run(args: readonly string[]): Promise<string> {
    try {
      return (await execute('systemctl', args)).stdout
    } catch (error) {
      const { stderr } = error as { stderr?: string }
      throw new FionaError('E_SYSTEMD', `systemctl ${args.join(' ')}: ${stderr?.trim() ?? ''}`, {
        hint: 'run it as root; journalctl -u UNIT tells more',
        exitCode: ExitCode.unavailable,
        cause: error,
      })
    }
  }
}
