// What units close of the project `default` is closed of every project: systemd knows no patterns for paths.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { closeProjects } from '../../src/lib/control/close-projects.ts'
import { copiedUnits } from './copied-units.ts'
import { effectiveSettings, filesOf } from './effective-settings.ts'

function site(t: Test) {
  const { root, units } = copiedUnits(t)
  const data = join(root, 'data')
  // What was a project once, and what never was one.
  for (const folder of ['GONE/outbox', 'journal/received', 'mine']) {
    mkdirSync(join(data, folder), { recursive: true })
  }
  // Beside those of the package, so that one look finds both.
  return { units, own: units, data }
}

const instances = [
  'fiona-scp@default',
  'fiona-mpps',
  'fiona-front-door@organized',
  'fiona-inbox@srv-inbox',
  'fiona-stage@organize',
  'fiona-stage@request',
  'fiona-stage@deidentify',
  'fiona-stage@deliver',
  'fiona-index',
  'fiona-job-prune',
]

t.test('what is closed of default is closed of all others', async (t) => {
  const places = site(t)
  t.equal(await closeProjects(['default', 'ABCD', 'A-B'], places), true)
  for (const name of instances) {
    const settings = effectiveSettings(filesOf(name, places.units))
    for (const key of ['InaccessiblePaths', 'ReadOnlyPaths']) {
      const values = settings.get(key) ?? []
      const of = (project: string): string[] =>
        values
          .flatMap((value) => value.split(' '))
          .filter((path) => new RegExp(`/var/lib/fiona/${project}(/|$)`).test(path))
          .map((path) => path.replace(`/${project}`, '/default'))
          .sort()
      for (const project of ['ABCD', 'A-B', 'GONE']) {
        t.strictSame(of(project), of('default'), `${name}: ${key} of ${project}`)
      }
      t.strictSame(of('mine'), [], 'no folder of a project')
    }
  }
  const closed = effectiveSettings(filesOf('fiona-stage@deliver', places.units))
  t.match(closed.get('InaccessiblePaths')?.join(' '), '-/var/lib/fiona/ABCD/archive')
})

t.test('it is written when there is something new, and a project that is gone goes', async (t) => {
  const places = site(t)
  t.equal(await closeProjects(['ABCD'], places), true)
  t.equal(await closeProjects(['ABCD'], places), false)
  rmSync(join(places.data, 'GONE'), { recursive: true })
  t.equal(await closeProjects([], places), true)
  const closed = effectiveSettings(filesOf('fiona-stage@deliver', places.units))
  t.notMatch(closed.get('InaccessiblePaths')?.join(' '), /ABCD|GONE/)
})

t.test('without further projects nothing is written', async (t) => {
  const { units, data } = site(t)
  rmSync(join(data, 'GONE'), { recursive: true })
  const own = join(data, 'etc')
  t.equal(await closeProjects(['default'], { units, own, data }), false)
  t.throws(() => readdirSync(own), { code: 'ENOENT' })
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0
const skip = hasSystemd ? false : 'systemd-analyze is not installed'

t.test('systemd understands it, whatever the project is called', { skip }, async (t) => {
  const places = site(t)
  symlinkSync('fiona-stage@.service', join(places.units, 'fiona-stage@deliver.service'))
  await closeProjects(['A B', 'A%B', "A'B", 'Ære', 'keys'], places)
  const unit = join(places.units, 'fiona-stage@deliver.service')
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], {
    encoding: 'utf8',
  })
  t.strictSame(
    stderr.split('\n').filter((line) => line.includes('60-projects')),
    [],
  )
  const closed = effectiveSettings(filesOf('fiona-stage@deliver', places.units))
  const all = closed.get('InaccessiblePaths')?.join(' ') ?? ''
  for (const path of ['"-/var/lib/fiona/A B/raw"', '-/var/lib/fiona/A%%25B/raw']) {
    t.ok(all.includes(path), path)
  }
  t.notMatch(all, /fiona\/keys\/raw/, 'a project of that name has another folder')
})
