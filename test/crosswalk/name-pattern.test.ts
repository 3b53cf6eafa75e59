import fc from 'fast-check'
import t from 'tap'
import { namesOf } from '../../src/lib/crosswalk/index.ts'

t.test('names are told in order, all of them, and none twice', (t) => {
  const first = (pattern: string, count: number) =>
    Array.from({ length: count }, (_, at) => namesOf(pattern)(at + 1))
  t.same(first('ABCD-[0-9]{4}', 3), ['ABCD-0001', 'ABCD-0002', 'ABCD-0003'])
  t.same(first('x\\d', 11), ['x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'x9', 'x0', undefined])
  t.same(first('(aa|bb)_[A-C]', 7), ['aa_B', 'aa_C', 'bb_A', 'bb_B', 'bb_C', 'aa_A', undefined])
  t.same(first('\\.[12]', 3), ['.2', '.1', undefined])
  t.same(first('(a|bb)-\\1[01]', 5), ['a-a1', 'bb-bb0', 'bb-bb1', 'a-a0', undefined])
  t.same(first('([0-9]{2,4}(x|y))_\\1\\2', 2), ['00y_00yy', '01x_01xx'])
  for (const pattern of ['[a-z]{2}', '[0-9a-f]{2}(x|y)', 'P\\d{3}']) {
    const names = namesOf(pattern)
    const all = new Set<string>()
    let n = 1
    for (let name = names(n); name !== undefined; name = names((n += 1))) all.add(name)
    t.equal(all.size, n - 1, pattern)
    const asRegExp = new RegExp(`^${pattern}$`)
    t.ok([...all].every((name) => asRegExp.test(name)))
  }
  t.end()
})

t.test('a pattern that makes no names, or could make one twice, is refused', (t) => {
  for (const pattern of [
    '',
    'ABCD',
    '[0-9]+',
    '[^a]',
    '(a|a)',
    '(a|ab)b',
    '([ab]|[bc])',
    '\\1(a|b)',
    '(?:a|b)',
    '[9-0]',
    '\\w',
    '\\1',
    'a.b',
    'x{2',
    '[a',
    '(a|b',
    '[aa]',
  ]) {
    t.throws(() => namesOf(pattern), { code: 'E_CONFIG', exitCode: 78 }, pattern)
  }
  fc.assert(
    fc.property(fc.string(), (pattern) => {
      try {
        return new Set([1, 2].map(namesOf(pattern))).size === 2
      } catch (error) {
        return (error as { code?: string }).code === 'E_CONFIG'
      }
    }),
  )
  t.end()
})
