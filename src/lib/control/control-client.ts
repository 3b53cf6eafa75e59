import { connect } from 'node:net'
import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import type { ControlAnswer, ControlRequest } from './control-server.ts'
import { socketAddress } from './socket-address.ts'

const longestAnswer = 4 << 20

export function controlSocket(runDir: string): string {
  return join(runDir, 'control.sock')
}

/**
 * @returns undefined when no chain answers there: none runs, or it was killed
 * @throws FionaError what the chain says against it; E_CONTROL when it cannot be spoken to
 */
export async function askChain(
  runDir: string,
  request: ControlRequest,
): Promise<ControlAnswer | undefined> {
  const text = await exchange(controlSocket(runDir), `${JSON.stringify(request)}\n`)
  // A chain that is killed in the middle of its answer has not answered.
  if (text?.endsWith('\n') !== true) return undefined
  const answer = JSON.parse(text) as ControlAnswer
  if (answer['ok'] === true) return answer
  const { code, message, hint, exit } = answer
  throw new FionaError(typeof code === 'string' ? code : 'E_CONTROL', String(message), {
    ...(typeof hint === 'string' ? { hint } : {}),
    exitCode: typeof exit === 'number' ? (exit as ExitCode) : ExitCode.unavailable,
  })
}

/** Everything up to the end of the connection: of a chain that stops, that is its end. */
async function exchange(path: string, request: string): Promise<string | undefined> {
  const address = await socketAddress(path).catch(() => undefined)
  if (address === undefined) return undefined
  await using held = address
  return new Promise((resolve, reject) => {
    const socket = connect(held.path)
    let text = ''
    socket.setEncoding('utf8')
    socket.once('connect', () => socket.write(request))
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.length > longestAnswer) socket.destroy()
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const nobody = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTDIR']
      if (nobody.includes(String(error.code))) resolve(undefined)
      else {
        const message = `${path} cannot be opened (${String(error.code)})`
        const hint = 'run fiona-ctl as the user that the chain runs as'
        reject(new FionaError('E_CONTROL', message, { hint, exitCode: ExitCode.notAllowed }))
      }
    })
    socket.once('close', () => {
      resolve(text)
    })
  })
}
