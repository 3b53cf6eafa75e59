import fc from 'fast-check'
import t from 'tap'
import { caseSafeViewName, viewName } from '../../src/lib/organize/view-name.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 300 }),
  fc
    .array(fc.constantFrom('~', '_', '.', '%', 'é', 'é', '\ud800', '/', '0', '山', '\0', ' '), {
      maxLength: 250,
    })
    .map((parts) => parts.join('')),
  fc.constantFrom('', '.', '..', '-rf', 'con', 'NUL.txt', 'COM1', 'aux.', 'lpt9.a'),
)
const withDigest = /~[0-9a-f]{32}$/

t.test('whatever the text is, its name is one harmless component with room behind it', (t) => {
  const law = fc.property(text, (text) => {
    const name = viewName(text)
    if (Buffer.byteLength(name) + 33 > 255 || /\p{Surrogate}/u.test(name)) return false
    if (/[/\0-\x1f\x7f\\:*?"<>|]/.test(name) || /^[.\- ]|[. ]$/.test(name) || name === '')
      return false
    return !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)
  })
  t.doesNotThrow(() => fc.assert(law, { numRuns: 2000 }))
  t.end()
})

t.test('the name gives the text back, or its digest stands behind it', (t) => {
  const law = fc.property(text, (text) => {
    const name = viewName(text)
    return withDigest.test(name) || text === '' || decodeURIComponent(name) === text
  })
  t.doesNotThrow(() => fc.assert(law, { numRuns: 2000 }))
  t.notMatch(viewName('山田^太郎 CT/MR'), withDigest)
  t.end()
})

t.test('no two texts have one name', (t) => {
  const law = fc.property(text, text, (a, b) => a === b || viewName(a) !== viewName(b))
  t.doesNotThrow(() => fc.assert(law, { numRuns: 2000 }))
  const long = 'x'.repeat(300)
  const alike = [
    ['é', 'e\u0301'],
    [`${long}a`, `${long}b`],
    ['\ud800', '\ud801'],
    ['\ud800', '\ufffd'],
    ['', '_'],
    ['a/b', 'a%2Fb'],
    [viewName(`${long}a`), `${long}a`],
    ['.', '%2E'],
    ['nul', '%6Eul'],
  ] as const
  for (const [a, b] of alike) t.not(viewName(a), viewName(b), JSON.stringify([a, b]).slice(0, 60))
  t.end()
})

/** What file systems do to names before they compare them. */
const folds: ((name: string) => string)[] = [
  (name) => name.toLowerCase(),
  (name) => name.toUpperCase(),
  (name) => name.normalize('NFD').toUpperCase().toLowerCase(),
  (name) =>
    name
      .normalize('NFKD')
      .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
      .toUpperCase()
      .toLowerCase()
      .normalize('NFKD'),
]

t.test('no two patients have names that a file system takes for one', (t) => {
  const name = (text: string) => caseSafeViewName(text, 'unknown')
  const unlike = (a: string, b: string) =>
    a === b || folds.every((fold) => fold(name(a)) !== fold(name(b)))
  const like = fc
    .array(
      fc.constantFrom(
        ...'aAbB1%~/.sSkKiIéÉßẞſΣσςθϴΩ',
        '\u0301',
        '\u0307',
        '\u212a',
        '\u2126',
        'İ',
        'ı',
        'ﬁ',
        '\u00ad',
        '\ufe0f',
      ),
      {
        minLength: 1,
        maxLength: 6,
      },
    )
    .map((parts) => parts.join(''))
  t.doesNotThrow(() => fc.assert(fc.property(like, like, unlike), { numRuns: 20_000 }))
  const cased = fc.stringMatching(/^[a-dA-D]{1,5}$/)
  const variant = cased.chain((a) =>
    fc.tuple(
      fc.constant(a),
      fc
        .array(fc.boolean(), { minLength: a.length, maxLength: a.length })
        .map((small) =>
          [...a].map((c, at) => (small[at] === true ? c.toLowerCase() : c.toUpperCase())).join(''),
        ),
    ),
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(variant, ([a, b]) => unlike(a, b)),
      { numRuns: 5000 },
    ),
  )
  const long = 'a'.repeat(65)
  const alike = [
    ['abc', 'ABC'],
    ['é', 'É'],
    ['é', 'e\u0301'],
    ['straße', 'STRASSE'],
    ['ẞ', 'SS'],
    ['k', '\u212a'],
    ['ϴ', 'Θ'],
    ['A\u00adB', 'AB'],
    ['con', 'CON'],
    [long, `A${long.slice(1)}`],
    [name('abc'), 'abc'],
  ] as const
  for (const [a, b] of alike) t.ok(unlike(a, b), JSON.stringify([a, b]).slice(0, 60))
  for (const text of ['unknown', 'UNKNOWN', 'Unknown']) {
    t.not(name(text).toLowerCase(), 'unknown', 'that is the folder of those without an ID')
  }
  t.end()
})

t.test('the name of a patient stays readable, and gives the text back without its end', (t) => {
  t.same(
    ['P1', 'ÉCOLE-3', '山田', 'sub-001', 'Phantom_1', 'a/b'].map((text) =>
      caseSafeViewName(text, 'unknown'),
    ),
    ['P1', 'ÉCOLE-3', '山田', 'sub-001~7', 'Phantom_1~3f', 'a%2Fb~3'],
  )
  const law = fc.property(
    text.filter((text) => text !== ''),
    (text) => {
      const name = caseSafeViewName(text, 'unknown')
      if (Buffer.byteLength(name) + 33 > 255) return false
      return (
        withDigest.test(name) || decodeURIComponent(name.replace(/~[0-9a-f]{1,16}$/, '')) === text
      )
    },
  )
  t.doesNotThrow(() => fc.assert(law, { numRuns: 2000 }))
  t.end()
})
