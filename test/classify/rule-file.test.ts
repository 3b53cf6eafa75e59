import t from 'tap'
import fc from 'fast-check'
import { RuleSet, lintRules } from '../../src/lib/classify/index.ts'
import { classifier, folder, store, typesOf } from './classified.ts'
import { parseJson, plainValue } from '../../src/lib/classify/json-source.ts'

function definition(test: string, head = '"type":"T"'): string {
  return `[\n  { ${head},\n    "rules": [\n      ${test}\n    ] }\n]`
}
const test = (members: string) => definition(`{ "tag":["0x08","0x60"], ${members} }`)

const mistakes: readonly (readonly [text: string, message: RegExp])[] = [
  ['', /^r:1:1: not JSON: a value is expected, not the end of the file/],
  ['[\n  {"type":"T",\n   "rules":[],}\n]', /^r:3:15: not JSON: a , in front of }/],
  ['[\n {"type" "T"}]', /^r:2:10: not JSON: a : is expected after the key "type", not "T"/],
  ['[\n {"type": T}]', /^r:2:11: not JSON: a value is expected, not "T"/],
  ["[\n {'type': 1}]", /^r:2:3: not JSON: a key in double quotes/],
  ['[1] [', /^r:1:5: not JSON: "\[" after the end/],
  ['["a\nb"]', /^r:1:2: not JSON: a text without its closing "/],
  ['["a\\.b"]', /^r:1:4: not JSON: \\\. is no escape of JSON; a backslash is written \\\\/],
  ['['.repeat(500), /nested too deeply/],
  ['{"type":"T"}', /^r:1:1: a rule file is an array/],
  ['[\n 7\n]', /^r:2:2: a definition is an object .* not 7/],
  ['[ {"rules":[]} ]', /^r:1:3: a definition without "type"/],
  ['[ {"typ":"T","rules":[]} ]', /without "type"; is "typ" meant to be it\?/],
  ['[ {"type":"T"} ]', /^r:1:3: a definition without "rules"/],
  ['[ {"type":"","rules":[]} ]', /^r:1:11: "type" is a text that is not empty/],
  ['[ {"type":"T","rules":{}} ]', /^r:1:23: "rules" is an array of tests/],
  [definition('"CT"'), /^r:4:7: a test is an object .* not "CT"/],
  [definition('{ "value":"CT" }'), /^r:4:7: a test without "tag", "rule" or "notrule"/],
  [definition('{ "tga":["Modality"], "value":"CT" }'), /is "tga" meant to be one of them\?/],
  [
    definition('{ "tag":"Modality", "value":"CT" }'),
    /^r:4:15: "tag" is an array .* not "Modality"/,
  ],
  [
    definition('{ "tag":["Modalty"], "value":"CT" }'),
    /called "Modalty"; did you mean "Modality"\?/,
  ],
  [
    definition('{ "tag":["0x8","0x10000"], "value":"x" }'),
    /"0x10000" is no number from 0 to 0xffff/,
  ],
  [test('"operator":"=="'), /^r:4:7: a test without "value"/],
  [test('"value":true'), /^r:4:40: "value" is a text, a number or an array/],
  [test('"vlaue":"CT"'), /unknown key "vlaue"; did you mean "value"\?/],
  [
    test('"value":"CT", "operator":"contians"'),
    /^r:4:57: unknown operator "contians"; did you mean "contains"\?/,
  ],
  [test('"value":"CT", "operator":"="'), /unknown operator "="; did you mean "=="\?/],
  [test('"value":"CT", "operator":7'), /"operator" is a text, not 7/],
  [
    test('"value":"C(T"'),
    /^r:4:40: the regexp "C\(T" does not compile: a \( without its \) \(at character 2\)/,
  ],
  [test('"value":"(C)\\\\1"'), /backreferences are not taken/],
  [test('"value":["Mod","x","y"]'), /a regexp is a text/],
  [test('"value":"x", "operator":">"'), /> compares numbers, and "x" is none/],
  [test('"value":"x", "operator":"approx"'), /approx compares numbers/],
  [test('"value":"1", "operator":"in"'), /in takes an array of values/],
  [test('"value":"1", "approxLevel":"little"'), /"approxLevel" is a number/],
  [test('"value":"1", "negate":"Yes"'), /"negate" is "yes" or left out, not "Yes"/],
  [
    definition('{ "rule":"NOSUCH" }', '"type":"T", "id":"NOSUCK"'),
    /^r:4:16: no definition has the id "NOSUCH"; did you mean "NOSUCK"\?/,
  ],
  [definition('{ "rule":7 }'), /"rule" is the id of a definition, not 7/],
  [
    definition('{ "rule":"A", "tag":["Modality"], "value":"x" }', '"type":"T","id":"A"'),
    /"rule" stands alone/,
  ],
  [definition('{ "rule":"A" }', '"type":"T","id":"A"'), /in a circle: A → A/],
  [
    '[ {"type":"T","id":"A","rules":[]},\n  {"type":"U","id":"A","rules":[{"rule":"A"}]} ]',
    /^r:2:3: the id "A" is already that of line 1/,
  ],
  [
    definition('{ "tag":["Modality"], "value":"x" }', '"type":"T", "check":"serieslevel"'),
    /unknown check "serieslevel"; did you mean "SeriesLevel"\?/,
  ],
  [
    definition('{ "tag":["ClassifyType"], "value":["Modality"] }'),
    /"ClassifyType" is compared with texts only/,
  ],
]

t.test('a mistake is named with its line, column, text and remedy', async (t) => {
  for (const [text, message] of mistakes) {
    t.throws(
      () => RuleSet.parse(text, 'strict', 'r'),
      { code: 'E_RULES', exitCode: 78, message },
      text.slice(0, 90),
    )
  }
})

t.test('all mistakes are named at once, in the order of the file', async (t) => {
  const text = definition('{ "tag":["Modalty"], "value":"(" },\n      { "rule":"X" }')
  t.throws(() => RuleSet.parse(text, 'strict', 'r'), {
    message: /r:4:.*\n {2}r:4:.*\n {2}r:5:16: no definition/,
  })
})

t.test(
  'what crashed the original is a mistake in compat too; what it let pass is a warning',
  async (t) => {
    for (const text of [
      test('"operator":"=="'),
      test('"value":"C(T"'),
      definition('{ "rule":"NOSUCH" }'),
      '[ {"type":"T","id":"A","rules":[]}, {"type":"U","id":"A","rules":[{"rule":"A"}]} ]',
    ]) {
      t.throws(() => RuleSet.parse(text, 'compat'), { code: 'E_RULES' }, text)
    }
    for (const text of [
      test('"value":"1", "operator":">="'),
      test('"value":"1", "negate":"true"'),
      definition('{ "tag":["08","0x60"], "value":"CT" }'),
      definition('{ "rule":"A" }', '"type":"T","id":"A"'),
      definition('{ "tag":["NoSuchThing"], "value":"CT" }'),
      test('"vlaue":"CT", "value":"CT"'),
    ]) {
      t.equal(RuleSet.parse(text, 'compat').warnings.length, 1, text)
    }
  },
)

t.test('an id that is there twice does no harm as long as nobody refers to it', async (t) => {
  const tests = [{ tag: ['Modality'], value: 'CT' }]
  const twice = ['T', 'U'].map((type) => ({ type, id: 'A', rules: tests }))
  for (const semantics of ['strict', 'compat'] as const) {
    t.match(RuleSet.parse(JSON.stringify(twice), semantics).warnings, [
      { severity: 'warning', message: /already that of line 1/ },
    ])
    const referred = [...twice, { type: 'V', rules: [{ rule: 'A' }] }]
    t.throws(() => RuleSet.parse(JSON.stringify(referred), semantics), { code: 'E_RULES' })
  }
})

t.test('references may fan out without end to the work, but not go on for ever', async (t) => {
  const fan = (length: number) =>
    Array.from({ length }, (_, at) => ({
      type: `T${String(at)}`,
      id: `R${String(at)}`,
      rules: [1, 2].filter((back) => back <= at).map((back) => ({ rule: `R${String(at - back)}` })),
    }))
  const record = store(folder(), {})
  for (const semantics of ['strict', 'compat'] as const) {
    t.equal((await typesOf(classifier(fan(100), semantics), record)).length, 100)
    t.equal((await typesOf(classifier(fan(100).reverse(), semantics), record)).length, 100)
    for (const long of [fan(5000), fan(5000).reverse()]) {
      t.throws(() => RuleSet.parse(JSON.stringify(long), semantics), {
        message: /more than 100 references/,
      })
    }
  }
})

t.test('a test for a type that nothing gives is a warning', async (t) => {
  const has = (value: string) => ({ tag: ['ClassifyType'], operator: 'contains', value })
  const rules = [
    { type: 'axial', rules: [{ tag: ['Modality'], value: 'CT' }] },
    { type: 'T', rules: [has('axial'), { ...has('Axial'), negate: 'yes' }] },
  ]
  for (const semantics of ['strict', 'compat'] as const) {
    t.match(RuleSet.parse(JSON.stringify(rules), semantics).warnings, [
      { line: 1, message: /^no definition gives the type "Axial"; did you mean "axial"\?/ },
    ])
  }
  const grouped = [{ type: 'T', rules: [{ any: [has('none of these')] }] }]
  t.equal(RuleSet.parse(JSON.stringify(grouped), 'strict').warnings.length, 1)
})

t.test('notes of any kind are welcome', async (t) => {
  const text = definition(
    '{ "tag":["Modality"], "value":"CT", "_note":["see", 1], "why":{} }',
    '"type":"T", "author":"me", "2024":true, "description":""',
  )
  t.same(RuleSet.parse(text, 'strict').warnings, [])
})

t.test('the default rules have no mistakes and warn of nothing', async (t) => {
  for (const semantics of ['strict', 'compat'] as const) {
    const { problems, definitions } = await lintRules(undefined, semantics)
    t.same(problems, [])
    t.ok(definitions > 20)
  }
})

t.test('any JSON reads as JSON.parse reads it, and what is none is refused', async (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      t.strictSame(plainValue(parseJson(text)), JSON.parse(text))
    }),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom(...'{}[],:"\\x0'), (json, at, character) => {
      const text =
        json.slice(0, at % (json.length + 1)) + character + json.slice(at % (json.length + 1))
      const isJson = (parse: (text: string) => unknown): boolean => {
        try {
          parse(text)
          return true
        } catch {
          return false
        }
      }
      if (isJson(parseJson) !== isJson(JSON.parse)) throw new Error(text)
    }),
    { numRuns: 1000 },
  )
})
