import { ExitCode, FionaError } from '../lib/error/index.ts'
import { defineTool } from '../lib/cli/index.ts'

export default defineTool({
  name: 'fiona',
  summary: 'run a FIONA tool, or list them all',
  description: `fiona NAME … runs fiona-NAME …, and fiona alone lists the tools. FIONA receives DICOM, notices
    when a study is complete, classifies and organizes it, replaces the patient's identity by a research
    identity, and delivers it. Each step is a small program that reads and writes one JSON record a line.`,
  passThrough: true,
  options: {},
  arguments: {
    name: 'NAME',
    repeated: true,
    describe: 'a tool, without fiona-, and its own words',
  },
  examples: [
    ['fiona up --data-dir /var/lib/fiona', 'the standard chain in the foreground'],
    [
      'fiona import --in-place study/ | fiona classify | jq .ClassifyType',
      'what is in this folder?',
    ],
  ],
  seeAlso: ['fiona-ctl', 'fiona-scp', 'fiona-import'],
  async run({ args, print }) {
    const { listTools, runNamed } = await import('../lib/cli/installed-tools.ts')
    const [name, ...words] = args
    if (name === undefined) {
      for (const { name: tool, summary } of await listTools())
        await print(`${tool.padEnd(16)} ${summary}`)
      return ExitCode.ok
    }
    const known = (await listTools()).map((tool) => tool.name.replace(/^fiona-/, ''))
    if (name !== 'up' && !known.includes(name)) {
      const { nearest } = await import('../lib/text/index.ts')
      const guess = nearest(name, known)
      throw new FionaError(
        'E_USAGE',
        `no tool is called ${JSON.stringify(name)}${guess === undefined ? '' : `; did you mean ${guess}?`}`,
        {
          hint: 'fiona alone lists the tools',
          exitCode: ExitCode.usage,
        },
      )
    }
    return name === 'up'
      ? runNamed('fiona-ctl', ['up', ...words])
      : runNamed(`fiona-${name}`, words)
  },
})
