import fc from 'fast-check'
import t from 'tap'
import { viewName } from '../../src/lib/layout/view-name.ts'

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
