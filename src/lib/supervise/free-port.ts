import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'

/** The parts of a chain that was killed end by themselves; one with an object in hand may take this long. */
const predecessorMs = 20_000

/**
 * The port that a door of the chain will listen on, found free; for port 0 any that is.
 * @param options.isAfterCrash a door that outlives its killed chain for a moment is waited for
 * @param options.setBy what sets the port
 * @throws FionaError E_PORT_IN_USE, E_PORT
 */
export async function findFreePort(
  port: number,
  options: { readonly isAfterCrash: boolean; readonly setBy: string },
): Promise<number> {
  const { isAfterCrash, setBy } = options
  const until = performance.now() + (isAfterCrash ? predecessorMs : 0)
  for (;;) {
    try {
      return await probe(port, setBy)
    } catch (error) {
      const isInUse = error instanceof FionaError && error.code === 'E_PORT_IN_USE'
      if (!isInUse || performance.now() > until) throw error
      await delay(100)
    }
  }
}

async function probe(port: number, setBy: string): Promise<number> {
  const server = createServer()
  try {
    server.listen(port)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE') {
      throw new FionaError('E_PORT_IN_USE', `port ${port} is in use`, {
        hint: `stop the program that uses it, or choose another with ${setBy}`,
        exitCode: ExitCode.unavailable,
        retryable: true,
        cause: error,
      })
    }
    throw new FionaError('E_PORT', `port ${port} cannot be opened (${String(code)})`, {
      hint: `ports below 1024 need a privilege; choose another with ${setBy}`,
      exitCode: ExitCode.notAllowed,
      cause: error,
    })
  } finally {
    server.close()
  }
}
