import fc from 'fast-check'
import t from 'tap'
import { RuleSet } from '../../src/lib/classify/index.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { classifier, folder, store, typesOf } from './classified.ts'

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

const number = (operator: string, value: unknown, tag: unknown = ['EchoTime']) => ({
  tag,
  operator,
  value,
  ...(operator === 'approx' ? { approxLevel: '0.5' } : {}),
})

t.test('numbers that no number can be are told', async (t) => {
  const never: readonly (readonly [rules: readonly object[], message: string])[] = [
    [[number('>', 10), number('<', '5')], '> 10 and < "5"'],
    [[number('>', 10), number('<=', 10)], '> 10 and <= 10'],
    [[number('>', 10), number('==', '10.0')], '> 10 and == "10.0"'],
    [[number('>=', 10), number('<=', 10), number('!=', 10)], '>= 10 and <= 10 and != 10'],
    [[number('>', 10), not(number('>=', 3))], '> 10 and not >= 3'],
    [[number('approx', 3), number('>', 3.5)], 'approx 3 and > 3.5'],
    [[number('in', [1, 2]), number('>', 2)], 'in [1,2] and > 2'],
    [[number('>', 10), number('<', 5, ['0x0018', '0x0081'])], '> 10 and < 5'],
    [[{ any: [number('<', 5), number('>', 10)] }, number('==', 7)], '< 5 or > 10 and == 7'],
    [[{ all: [number('>', 10), original] }, number('<', 5)], '> 10 and < 5'],
    [[{ rule: 'LONG' }, number('<', 5)], '> 80 and < 5'],
    [[number('>', 'inf')], '> "inf"'],
  ]
  for (const [rules, words] of never) {
    const found = warnings([
      { type: 'long', id: 'LONG', rules: [number('>', 80)] },
      { type: 'T', rules },
    ])
    const what = `no number is ${words}${words.includes(' and ') ? ' at once' : ''} (`
    t.equal(found.length, 1, words)
    t.equal(found[0]?.startsWith(`2:1 this can never hold: ${what}`), true, found[0] ?? words)
  }
})

t.test('a definition whose numbers lie within those of another one adds nothing', async (t) => {
  const idle: readonly (readonly [narrower: readonly object[], wider: readonly object[]])[] = [
    [[number('>', 80)], [number('>', 50)]],
    [[number('>', 80)], [number('>=', 80)]],
    [[number('==', 80)], [number('>=', 80), number('<', 81)]],
    [[number('==', 80)], [number('!=', 81)]],
    [[number('>', 10), number('<', 20)], [not(number('>', 20))]],
    [[number('>', 10), number('<', 20), original], [number('<', 50)]],
    [[number('approx', 3)], [number('>', 2), number('<', 4)]],
    [[number('==', 4)], [{ any: [number('<', 5), number('>', 10)] }]],
    [[number('>', 3), number('in', [1, 5])], [number('>=', 5)]],
  ]
  for (const [narrower, wider] of idle) {
    const definitions = [narrower, wider].map((rules) => ({ type: 'T', rules }))
    t.match(warnings(definitions), [/^1:2 this adds nothing: .* line 2 gives/])
    t.match(warnings(definitions.reverse()), [/^2:1 this adds nothing: .* line 1 gives/])
  }
})

t.test('ranges that leave each other something are not told', async (t) => {
  const fine: readonly (readonly (readonly object[])[])[] = [
    [[number('>', 5), number('<', 10)]],
    [[number('>=', 5), number('<=', 5)]],
    // What has no number, or several, is neither.
    [[not(number('>', 5)), not(number('<=', 5))]],
    [[number('in', [1]), number('in', [2])]],
    [[number('>', 5)], [number('<=', 5)]],
    [[number('>=', 5)], [number('>', 4), original]],
    [[not(number('>', 5))], [not(number('<', 5))]],
    [[number('>', ['RepetitionTime'])], [number('<', 5)]],
    [[number('>', 10), number('<', 5, ['RepetitionTime'])]],
  ]
  for (const rules of fine) {
    const definitions = rules.map((each) => ({ type: 'T', rules: each }))
    t.same(warnings(definitions), [], JSON.stringify(rules))
  }
  // A number that is missing passes there.
  const both = { type: 'T', rules: [number('>', 10), number('<', 5)] }
  t.same(warnings([both], 'compat'), [])
})

t.test('what is told of numbers is so, whatever an object has', async (t) => {
  const directory = folder()
  const values = ['', '0', '2.5', '3', '4', '5', '10', '1e9', 'inf', 'abc', ['1', '5'], ['7', 'x']]
  const records = [
    store(directory, {}),
    ...values.map((value, at) =>
      store(directory, { instanceNumber: at + 2, elements: [el(0x00180081, 'DS', value)] }),
    ),
  ]
  const typesOfAll = async (definitions: readonly object[]) => {
    const one = classifier(definitions)
    const all: string[] = []
    for (const record of records) all.push((await typesOf(one, record)).join())
    return all
  }
  const operator = fc.constantFrom('==', '!=', '<', '<=', '>', '>=', 'approx', 'in')
  const test = fc
    .tuple(operator, fc.constantFrom(0, 3, 5, 10), fc.boolean())
    .map(([op, value, isNegated]) => {
      const one = number(op, op === 'in' ? [value, 4] : value)
      return isNegated ? not(one) : one
    })
  const entry = fc.oneof(
    { weight: 4, arbitrary: test },
    fc.array(test, { minLength: 1, maxLength: 2 }).map((any) => ({ any })),
  )
  const rules = fc.array(entry, { minLength: 1, maxLength: 3 })
  let told = 0
  await fc.assert(
    fc.asyncProperty(rules, rules, async (one, other) => {
      const definitions = [one, other].map((each) => ({ type: 'T', rules: each }))
      const idle = warnings(definitions).map((warning) => Number(warning[0]) - 1)
      if (idle.length === 0) return
      told++
      const left = definitions.filter((_, at) => !idle.includes(at))
      t.same(await typesOfAll(left), await typesOfAll(definitions), JSON.stringify(definitions))
    }),
    { numRuns: 300 },
  )
  t.ok(told > 30, 'often enough to mean something')
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
