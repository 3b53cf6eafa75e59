import { once } from 'node:events'
import { createServer } from 'node:net'
import { portsOf } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { hasSystemd, partReports, Systemd } from '../control/index.ts'
import { about, error, type Finding, ok } from './finding.ts'

/** Each port is free, or our own running part has it. */
export async function checkPorts(config: Config): Promise<Finding[]> {
  const { parts } = await partReports(config, (await hasSystemd()) ? new Systemd() : undefined)
  const ours = new Set(parts.flatMap(({ name, state }) => (state === 'running' ? [name] : [])))
  return Promise.all(
    portsOf(config).map(async ({ part, port, key }) => {
      const what = `port of ${part}`
      if (ours.has(part)) return ok(what, `${String(port)}: ours`)
      const trouble = await whyNot(port)
      if (trouble === undefined) return ok(what, `${String(port)}: free`)
      const hint =
        trouble === 'EADDRINUSE'
          ? `stop the program that uses it (ss -ltnp sport = :${String(port)}), or change ${key}`
          : `ports below 1024 need a privilege; change ${key}`
      const text = `${String(port)} cannot be opened (${trouble})`
      return about(error(what, text, hint), ...key.split('.'))
    }),
  )
}

async function whyNot(port: number): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen(port)
    await once(server, 'listening')
    return undefined
  } catch (problem) {
    return String((problem as NodeJS.ErrnoException).code)
  } finally {
    server.close()
  }
}
