import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { Automaton } from '../../src/lib/regexp/automaton.ts'
import { BoundedRegExp, PatternError, longestText } from '../../src/lib/regexp/index.ts'
import { parsePattern } from '../../src/lib/regexp/parse-pattern.ts'
import { toJavaScript } from '../../src/lib/regexp/to-javascript.ts'

/** What both matchers say; they must agree. */
function matches(pattern: string, text: string): boolean {
  const parsed = parsePattern(pattern)
  const byAutomaton = new Automaton(parsed.pattern, parsed.ignoreCase).test(text)
  const flags = parsed.ignoreCase ? 'iv' : 'v'
  const byJavaScript = new RegExp(toJavaScript(parsed.pattern), flags).test(text)
  if (byAutomaton !== byJavaScript) {
    throw new Error(`automaton ${String(byAutomaton)} on ${pattern} and ${JSON.stringify(text)}`)
  }
  return byAutomaton
}

const table: readonly [pattern: string, text: string, matches: boolean][] = [
  ['', '', true],
  ['^SIEMENS', 'SIEMENS AG', true],
  ['^siemens', 'SIEMENS', false],
  ['(?i)^siemens', 'SIEMENS', true],
  ["'M', 'NORM'\\]$", "['ORIGINAL', 'PRIMARY', 'M', 'NORM']", true],
  ['1\\.2\\.840\\.10008\\.5\\.1\\.4\\.1\\.1\\.7.*', '1.2.840.10008.5.1.4.1.1.77.1', true],
  ['a$', 'a\n', true],
  ['a\\Z', 'a\n', false],
  ['^b', 'a\nb', false],
  ['(?m)^b', 'a\nb', true],
  ['a.b', 'a\nb', false],
  ['(?s)a.b', 'a\nb', true],
  ['[]a]', ']', true],
  ['[^]a]', 'b', true],
  ['[a-c-]+$', 'b-', true],
  ['[\\W]', '_', false],
  ['\\d{3}', '256', true],
  ['\\w', '脳', true],
  ['\\bT1\\b', 't1 T1 w', true],
  ['\\bT1\\b', 'T12', false],
  ['x{,2}y', 'xxy', true],
  ['x{}', 'x{}', true],
  ['{a', '{a', true],
  ['^(?!.*phantom)', 'my phantom', false],
  ['^(?!.*phantom)', 'my brain', true],
  ['(?<=AB)C', 'ABC', true],
  ['(?<!AB)C', 'ABC', false],
  ['(?P<plane>ax|cor)_\\x54', 'cor_T', true],
  ['(a|ab)(c|bcd)$', 'abcd', true],
  ['(?:)*x', 'x', true],
  ['(a*)*b', 'aab', true],
  ['脳.$', 'T1 脳部', true],
  ['(?#a note)T1', 'T1', true],
  ['^.$', '𝄞', true],
]
t.test('a pattern means what it means in Python', async (t) => {
  for (const [pattern, text, expected] of table) {
    t.equal(matches(pattern, text), expected, `${pattern} on ${JSON.stringify(text)}`)
  }
})

t.test('Python itself agrees', async (t) => {
  const script = `import json,re,sys
print(json.dumps([re.search(p, x) is not None for p, x, _ in json.load(sys.stdin)]))`
  const python = spawnSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(table) })
  if (python.status !== 0) {
    t.comment('skipped: needs /usr/bin/python3')
    return
  }
  t.same(
    JSON.parse(python.stdout.toString()),
    table.map((row) => row[2]),
  )
})

t.test('what is no pattern, or not to be bounded, is refused with its place', async (t) => {
  const refused: readonly (readonly [string, RegExp, number])[] = [
    ['a(b', /a \( without its \)/, 1],
    ['ab)', /a \) without its \(/, 2],
    ['a[b', /a \[ without its \]/, 1],
    ['*a', /nothing to repeat/, 0],
    ['a**', /multiple repeat/, 2],
    ['a{3,2}', /wrong way round/, 6],
    ['[b-a]', /wrong way round/, 4],
    ['(a)\\1', /backreferences/, 4],
    ['(?P<x>a)(?P=x)', /backreferences/, 8],
    ['a(?i)b', /very beginning/, 1],
    ['(?x)a', /flag x/, 4],
    ['a++', /possessive/, 1],
    ['\\q', /no meaning/, 0],
    ['a\\', /at the end/, 1],
    ['(?:(?:a{1000}){1000})', /too large/, 0],
    ['('.repeat(200), /nested too deeply/, 100],
  ]
  for (const [pattern, message, at] of refused) {
    try {
      new BoundedRegExp(pattern)
      t.fail(`${pattern} was taken`)
    } catch (error) {
      t.type(error, PatternError)
      t.match(error, { message, at }, pattern.slice(0, 40))
    }
  }
})

const atom: fc.Arbitrary<string> = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b')
const pattern = fc.letrec<{ p: string }>((tie) => ({
  p: fc.oneof(
    { depthSize: 'small' },
    atom,
    fc.tuple(tie('p'), tie('p')).map(([x, y]) => `${x}${y}`),
    fc.tuple(tie('p'), tie('p')).map(([x, y]) => `(?:${x}|${y})`),
    fc
      .tuple(tie('p'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}'))
      .map(([x, q]) => `(?:${x})${q}`),
    fc.tuple(fc.constantFrom('(?=', '(?!', '(?<=', '(?<!'), tie('p')).map(([l, x]) => `${l}${x})`),
  ),
})).p

t.test('the automaton agrees with JavaScript on any pattern and text', async (t) => {
  fc.assert(
    fc.property(
      pattern,
      fc.constantFrom('^', ''),
      fc.constantFrom('$', ''),
      fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n'), maxLength: 8 }),
      (body, start, end, text) => {
        matches(`${start}(?:${body})${end}`, text)
      },
    ),
    { numRuns: 2000 },
  )
  t.pass()
})

t.test('patterns that hang a backtracking matcher end on any text', async (t) => {
  const hostile = [
    '^(a+)+!',
    '^(a|a)*!',
    '(a|ab|b)*!',
    '.*.*.*.*!',
    '(?:a?){30}a{30}!',
    '(\\w+\\s?)+!',
    '^(?!(a+)+b).*!',
  ]
  for (const pattern of hostile) {
    const regExp = new BoundedRegExp(pattern)
    for (const text of ['a'.repeat(40), `${'a'.repeat(2000)}\t`, 'ab '.repeat(5000)]) {
      t.equal(regExp.test(text), false, `${pattern} on ${String(text.length)} characters`)
    }
  }
})

t.test('of a very long value only the beginning is looked at, and its cut is no end', async (t) => {
  t.equal(new BoundedRegExp('^a+$').test('a'.repeat(longestText)), true)
  t.equal(new BoundedRegExp('^a+$').test('a'.repeat(longestText + 1)), false)
  t.equal(new BoundedRegExp('aab').test(`${'a'.repeat(longestText)}b`), false)
})

const captured: readonly [
  pattern: string,
  text: string,
  groups: readonly (string | null)[] | null,
][] = [
  ['^(t1|t2)_.*', 't1_mprage_Smith', ['t1']],
  ['(\\d+)-(\\d+)', 'a 12-345', ['12', '345']],
  ['(a+?)(a*)', 'aaa', ['a', 'aa']],
  ['(a+)(a*)', 'aaa', ['aaa', '']],
  ['(?P<x>b)?(c)', 'c', [null, 'c']],
  ['(?:x)(y)', 'xy', ['y']],
  ['((a)(b))', 'ab', ['ab', 'a', 'b']],
  ['(a|ab)(c|bcd)', 'abcd', ['a', 'bcd']],
  ['x{1,2}?(x*)', 'xxx', ['xx']],
  ['(?i)^(Sag)', 'SAG t2', ['SAG']],
  ['^$', 'a', null],
]
t.test('groups capture what they do in Python', async (t) => {
  for (const [pattern, text, expected] of captured) {
    const regExp = new BoundedRegExp(pattern)
    const found = regExp.captures(text)
    const groups = found?.slice(1).map((group) => group ?? null) ?? null
    t.same(groups, expected, `${pattern} on ${text}`)
    if (expected !== null) t.equal(regExp.groups, expected.length, pattern)
  }
  const script = `import json,re,sys
print(json.dumps([(lambda m: m and list(m.groups()))(re.search(p, x)) for p, x, _ in json.load(sys.stdin)]))`
  const python = spawnSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(captured) })
  if (python.status !== 0) {
    t.comment('not compared: needs /usr/bin/python3')
    return
  }
  t.same(
    JSON.parse(python.stdout.toString()),
    captured.map((row) => row[2]),
  )
})

t.test('what could take without bound captures nothing, and says of which length on', async (t) => {
  const nested = new BoundedRegExp('^((a+)+)!')
  t.equal(nested.longestCaptured, 0)
  t.equal(nested.captures('a!'), undefined)
  const plain = new BoundedRegExp('^(.*)_(.*)$')
  t.ok(plain.longestCaptured >= 64)
  const text = `${'a'.repeat(plain.longestCaptured)}_`
  t.equal(plain.captures(text), undefined)
  t.same(plain.captures('a_b')?.slice(1), ['a', 'b'])
})
