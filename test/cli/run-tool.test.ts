import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { programArgs } from '../fixtures/program.ts'

const script = programArgs('test/cli/fixtures/tool-within-tool.ts')

/** What the inner tool says, as a child that has a lifeline, and how the process ended. */
async function outcome(...args: readonly string[]): Promise<unknown[]> {
  const child = spawn(process.execPath, [...script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    env: { ...process.env, FIONA_LIFELINE_FD: '3' },
  })
  const exited = once(child, 'exit')
  const said = child.stdout === null ? '' : await text(child.stdout)
  return [said, ...((await exited) as unknown[])]
}

t.test('a tool that another one runs hears a SIGTERM that came before it was there', async (t) => {
  t.same(await outcome('told'), ['stop\n', 0, null])
})

t.test('a tool that another one runs shares its lifeline', async (t) => {
  t.same(await outcome(), ['go on\n', 0, null])
})
