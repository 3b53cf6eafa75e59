import t from 'tap'
import { RuleSet } from '../../src/lib/classify/index.ts'

const modality = (value: string) => ({ tag: ['Modality'], operator: '==', value })
const original = { tag: ['ImageType'], operator: 'contains', value: 'ORIGINAL' }
const not = (test: object) => ({ ...test, negate: 'yes' })

/** A definition a line, so that a warning names it. */
function warnings(
  definitions: readonly object[],
  semantics: 'strict' | 'compat' = 'strict',
): string[] {
  const text = `[${definitions.map((each) => JSON.stringify(each)).join(',\n')}]`
  return RuleSet.parse(text, semantics).warnings.map(
    ({ line, column, message }) => `${String(line)}:${String(column)} ${message}`,
  )
}

t.test('a definition that can never hold is told, with what contradicts itself', async (t) => {
  const never: readonly (readonly [rules: readonly object[], message: RegExp])[] = [
    [
      [original, not(original)],
      /^2:1 this can never hold: it asks for \["ImageType"\] contains, and/,
    ],
    [[modality('CT'), modality('MR')], /no value is "CT" and "MR" at once/],
    [[{ rule: 'CT' }, { notrule: 'CT' }], /it asks for the rule "CT", and for the opposite/],
    [[{ rule: 'CT' }, modality('MR')], /no value is "CT" and "MR" at once/],
    [[{ rule: 'CT' }, not(modality('CT'))], /and for the opposite/],
    [[original, { all: [not(original)] }], /and for the opposite/],
    [
      [{ any: [original, { rule: 'CT' }] }, { not: { any: [original] } }, not(original), original],
      /opposite/,
    ],
  ]
  for (const [rules, message] of never) {
    const found = warnings([
      { type: 'CT', id: 'CT', rules: [modality('CT')] },
      { type: 'T', rules },
    ])
    t.equal(found.length, 1, JSON.stringify(rules))
    t.match(found[0], message)
  }
})

t.test('a definition behind which another one always stands is told', async (t) => {
  const narrower = { type: 'T', rules: [original, modality('CT')] }
  const wider = { type: 'T', rules: [original] }
  t.same(warnings([narrower, wider]), [
    '1:2 this adds nothing: whenever it holds, that of line 2 gives "T", too',
  ])
  t.match(warnings([wider, wider, narrower]), [/^2:1 .* line 1 /, /^3:1 .* line 1 /])
  t.match(warnings([{ ...narrower, check: 'SeriesLevel' }, wider]), [/^1:2 this adds nothing/])
  t.match(
    warnings([
      { type: 'T', rules: [{ any: [original, modality('CT')] }] },
      { type: 'T', rules: [{ any: [original, modality('CT')] }, modality('MR')] },
    ]),
    [/^2:1 this adds nothing/],
  )
  const base = { type: 'base', id: 'B', rules: [original] }
  t.match(warnings([base, { type: 'T', rules: [{ rule: 'B' }] }, narrower, wider]), [
    /^2:1 .* line 4 /,
    /^3:1 .* line 4 /,
  ])
})

t.test('what may hold, and may add something, is not told', async (t) => {
  const wider = { type: 'T', rules: [original] }
  const fine: readonly (readonly object[])[] = [
    [wider, { type: 'U', rules: [original, modality('CT')] }],
    [
      { ...wider, check: 'SeriesLevel' },
      { type: 'T', rules: [original, modality('CT')] },
    ],
    [
      { type: 'T', rules: [modality('CT')] },
      { type: 'T', rules: [modality('MR')] },
    ],
    // Whoever refers to it asks for all of it.
    [
      wider,
      { type: 'T', id: 'A', rules: [original, modality('CT')] },
      { type: 'U', rules: [{ rule: 'A' }] },
    ],
    [
      {
        type: 'T',
        rules: [
          { tag: ['Rows'], operator: '==', value: '256' },
          { tag: ['Rows'], operator: '==', value: 256 },
        ],
      },
    ],
    [{ type: 'T', rules: [{ any: [original, not(original)] }] }],
    [
      {
        type: 'T',
        rules: [
          { tag: ['Rows'], operator: '>', value: '1' },
          not({ tag: ['Rows'], operator: '>', value: '2' }),
        ],
      },
    ],
  ]
  for (const definitions of fine) t.same(warnings(definitions), [], JSON.stringify(definitions))
  // There a number that is missing passes, negated or not.
  t.same(warnings([{ type: 'T', rules: [original, not(original)] }], 'compat'), [])
})

t.test('a file of thousands of definitions of one type is looked through in time', async (t) => {
  const many = Array.from({ length: 1000 }, (_, at) => ({
    type: 'T',
    rules: [modality(String(at))],
  }))
  t.same(warnings(many), [])
})

t.test('a regexp that could try without end is told, whatever it is in', async (t) => {
  const test = (value: string) => ({ tag: ['SeriesDescription'], value })
  for (const risky of ['(a+)+$', '(.*)*x', '(?:ax|a)*b', '(\\d+|_)*z']) {
    const told = [/^1:\d+ the regexp .* in several ways/]
    t.match(warnings([{ type: 'T', rules: [{ any: [test(risky)] }] }]), told, risky)
    t.match(warnings([{ type: 'T', rules: [test(risky)] }], 'compat'), told, risky)
  }
  for (const quick of ['^t1_.*mpr', '\\d+.*\\d+', '(?:abc)+', '[ab]+', 'a{2,5}']) {
    t.same(warnings([{ type: 'T', rules: [test(quick)] }]), [], quick)
  }
})
