// A site for tests of fiona-ctl: a common door, a project with a door of its own, and one without.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { newDataDir } from './scp.ts'

export const dcmtk = { skip: missing('echoscu', 'storescu') }

export async function site(t: Test) {
  const folder = newDataDir(t)
  const [common, own] = [await freePort(), await freePort()]
  const config = {
    dataDir: 'data',
    receiver: { port: common },
    projects: { ABCD: { receiver: { port: own } }, EFGH: {} },
  }
  const path = join(folder, 'c.json')
  writeFileSync(path, JSON.stringify(config))
  const ctl = (...words: string[]) => run('fiona-ctl', words, { env: { FIONA_CONFIG: path } })
  t.teardown(() => ctl('stop'))
  return { folder, common, own, ctl }
}

export const echo = async (port: number): Promise<boolean> =>
  (await run('echoscu', ['127.0.0.1', String(port)])).code === 0

export async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await delay(100)
}

export async function statusOf(ctl: (...words: string[]) => Promise<{ stdout: string }>) {
  const { stdout } = await ctl('status', '--json')
  return JSON.parse(stdout) as {
    pid: number
    ok: boolean
    parts: { name: string; state: string; pid?: number }[]
  }
}
