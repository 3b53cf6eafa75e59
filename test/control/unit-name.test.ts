import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { escapeInstance, escapePath } from '../../src/lib/control/unit-name.ts'

t.test('what a unit may not hold is written as bytes', (t) => {
  const names = ['ABCD_1.2', 'A-B', 'a b', '.x', 'ä', '%i', 'a@b', '$(id)', '\\', 'a/b', 'x*?']
  t.same(names.map(escapeInstance), [
    ...['ABCD_1.2', 'A\\x2dB', 'a\\x20b', '\\x2ex', '\\xc3\\xa4', '\\x25i', 'a\\x40b'],
    ...['\\x24\\x28id\\x29', '\\x5c', 'a-b', 'x\\x2a\\x3f'],
  ])
  t.end()
})

const skip =
  spawnSync('systemd-escape', ['--version']).status === 0 ? false : 'there is no systemd-escape'

t.test('it is what systemd-escape makes, and systemd-escape undoes it', { skip }, (t) => {
  const unit = fc.constantFrom(...'aZ09:_.-/ \\%@$*"\'äß漢😀\t')
  const name = fc.string({ unit, minLength: 1, maxLength: 20 })
  const names = fc.sample(name, 200).filter((one) => one.trim() !== '')
  const ask = (words: readonly string[]): string[] => {
    const { stdout, stderr } = spawnSync('systemd-escape', words, { encoding: 'utf8' })
    t.equal(stderr, '')
    return stdout.slice(0, -1).split(' ')
  }
  t.same(names.map(escapeInstance), ask(['--', ...names]))
  for (const one of names.slice(0, 20)) {
    t.equal(ask(['--unescape', '--', escapeInstance(one)]).join(' '), one)
  }
  t.end()
})

t.test('a path is what systemd-escape --path makes of it', { skip }, (t) => {
  const paths = ['/srv/in', '/srv//a b/', '/.hidden/.x', '/a-b/ä$', '/srv/./in', '/x%i']
  const { stdout } = spawnSync('systemd-escape', ['--path', '--', ...paths], { encoding: 'utf8' })
  t.same(paths.map(escapePath), stdout.trim().split(' '))
  t.end()
})
