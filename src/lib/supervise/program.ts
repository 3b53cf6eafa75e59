import { portsOf } from '../chain/index.ts'
import type { Audience } from './audience.ts'

/**
 * A program, or a file: one JSON object a line for each event of the chain and of its parts. Of the chain
 * itself they have no `part`. docs/operating.md lists them.
 */
export function program(print: (text: string) => Promise<void>): Audience {
  const say = (event: string, more: object = {}): Promise<void> =>
    print(JSON.stringify({ time: new Date().toISOString(), event, ...more })).catch(() => undefined)
  return {
    starting: (config, { configPath }) =>
      say('starting', {
        pid: process.pid,
        dataDir: config.dataDir,
        config: configPath,
        ports: Object.fromEntries(portsOf(config).map(({ part, port }) => [part, port])),
      }),
    happened({ event, part, ...facts }) {
      // What to do is for people: the log has it.
      const more = Object.fromEntries(Object.entries(facts).filter(([key]) => key !== 'hint'))
      void say(event, { part, ...more })
    },
    stopping() {
      void say('stopping')
    },
    stopped: () => say('stopped'),
  }
}
