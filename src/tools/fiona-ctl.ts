import { join } from 'node:path'
import type { Config } from '../lib/config/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'
import { defineTool } from '../lib/cli/index.ts'

export default defineTool({
  name: 'fiona-ctl',
  section: 8,
  summary: 'run and manage the standard chain',
  description: `fiona-ctl up (or fiona up) runs the standard chain in the foreground: the receiver, the front door and
    a stage for each step. What dies is started again, after a growing pause. On SIGTERM or Ctrl-C the
    parts stop in order, each finishing what it has in hand. Killed at any moment, it starts again on the
    same data directory and nothing is lost.

    Without a configuration the embedded defaults apply: data in ./var, port 11112, AE title FIONA, and
    de-identified studies are delivered into the folder delivered of the data directory.`,
  arguments: { name: 'up', required: true, describe: 'run the standard chain in the foreground' },
  options: {
    'data-dir': { type: 'path', describe: 'archive, views, journals', configKey: 'dataDir' },
    port: {
      type: 'integer',
      min: 0,
      max: 65535,
      describe: 'port of the receiver',
      configKey: 'receiver.port',
    },
    'quiet-seconds': {
      type: 'number',
      min: 0,
      describe: 'a study with no new object for this long is complete',
      configKey: 'arrival.quietSeconds',
    },
    demo: { type: 'boolean', describe: 'send itself a generated study, show each step, and stop' },
  },
  examples: [
    ['fiona up', 'first use: everything in ./var'],
    ['fiona up --data-dir /var/lib/fiona --port 11112', 'with a data directory of its own'],
    ['fiona up --demo', 'watch a generated study go through'],
  ],
  files: [
    ['<runDir>/received.pipe', 'write a path or a record into it: it enters the chain'],
    ['<runDir>/fiona.json', 'the configuration in force; without runDir in it, <dataDir>/run'],
    [
      '<dataDir>/keys/pseudonym.key',
      'made at first start when the configuration names no key; keep a copy',
    ],
  ],
  exitCodes: { 69: 'the port is in use' },
  seeAlso: ['fiona-scp', 'fiona-stage', 'fiona-journal'],
  async run({ args, options, config, log, signal, print }) {
    if (args[0] !== 'up') {
      throw new FionaError('E_USAGE', `unknown command ${JSON.stringify(args[0])}`, {
        hint: 'fiona-ctl up runs the chain',
        exitCode: ExitCode.usage,
      })
    }
    const { deliveredFolder, runChain, withEmbeddedDelivery } =
      await import('../lib/supervise/index.ts')
    const inForce = withEmbeddedDelivery(overridden(await config(), options))
    const chain = { config: inForce, log, print }
    if (options.demo !== true) return runChain({ ...chain, signal })
    const { demonstrate } = await import('../lib/demo/index.ts')
    return demonstrate({
      config: inForce,
      deliveredFolder: deliveredFolder(inForce),
      signal,
      print,
      runChain: (run) => runChain({ ...chain, ...run }),
    })
  },
})

/** Nobody wants to watch a demonstration wait. */
const demoQuietSeconds = 3

function overridden(
  config: Config,
  options: {
    readonly dataDir: string | undefined
    readonly port: number | undefined
    readonly quietSeconds: number | undefined
    readonly demo: boolean | undefined
  },
): Config {
  const { dataDir, port } = options
  const quietSeconds =
    options.quietSeconds ?? (options.demo === true ? demoQuietSeconds : undefined)
  return {
    ...config,
    ...(dataDir === undefined ? {} : { dataDir, runDir: join(dataDir, 'run') }),
    receiver: { ...config.receiver, ...(port === undefined ? {} : { port }) },
    arrival: { ...config.arrival, ...(quietSeconds === undefined ? {} : { quietSeconds }) },
  }
}
