// What `fiona-ctl check` says of a machine with our units and systemd: file systems of the test's own lie where the package's would.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { closeProjects } from '../../src/lib/control/close-projects.ts'
import { mayMount } from '../fixtures/mounts.ts'
import { type Finished, run } from '../fixtures/peers.ts'
import { copiedUnits } from '../units/copied-units.ts'

const places = { units: '/usr/lib/systemd/system', own: '/etc/systemd/system' }
const skip = Object.values(places).every((path) => existsSync(path))
  ? mayMount()
  : 'there is no folder for units'

/** Runs what follows where systemd is up, and the units and drop-ins of the test are those of the machine. */
const script = `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mkdir -p /run/systemd/system &&
  mkdir -m 750 /var/lib/fiona && mount --bind "$1/units" ${places.units} &&
  mount --bind "$1/own" ${places.own} && shift && exec "$@"`

function machine(t: Test) {
  const { root, units } = copiedUnits(t)
  const own = join(root, 'own')
  mkdirSync(own)
  const check = async (
    projects: readonly string[],
    dataDir = '/var/lib/fiona',
  ): Promise<Finished> => {
    const path = join(root, 'c.json')
    const receiver = { port: 0, reserveBytes: 1 }
    const named = Object.fromEntries(projects.map((name) => [name, {}]))
    writeFileSync(path, JSON.stringify({ dataDir, receiver, projects: named }))
    const words = ['-m', 'sh', '-c', script, 'sh', root, 'fiona-ctl', 'check', '--config', path]
    return run('unshare', words)
  }
  /** As `fiona-ctl restart` does, behind which there must be a systemd. */
  const close = (projects: readonly string[]) =>
    closeProjects(projects, { units, own, data: join(root, 'none') })
  return { check, close, root }
}

t.test('a project that the drop-ins do not know is told, until they do', { skip }, async (t) => {
  const { check, close } = machine(t)
  t.match(await check([]), { code: 0, stdout: /^ok +units/m })
  const first = await check(['ABCD'])
  t.match(first, {
    code: 0,
    stdout: /^warning +units: .*close "ABCD" in .*fiona-stage@deliver\.service/m,
  })
  t.match(first.stdout, /hint: fiona-ctl restart, as root: .*systemctl restart alone does not/)
  await close(['ABCD'])
  t.match(await check(['ABCD']), { code: 0, stdout: /^ok +units/m })
  const second = await check(['ABCD', 'A B'])
  t.match(second.stdout, /^warning +units: .*close "A B" in/m)
  await close(['ABCD', 'A B'])
  t.match(await check(['ABCD', 'A B']), { stdout: /^ok +units/m })
  t.match(await check(['A B']), { stdout: /^ok +units/m }, 'one that is gone opens nothing')
})

t.test('where units have another data directory, nothing is said of them', { skip }, async (t) => {
  const { check, root } = machine(t)
  t.notMatch((await check(['ABCD'], join(root, 'data'))).stdout, /^\w+ +units/m)
})
