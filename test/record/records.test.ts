import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import ajvModule from 'ajv'
import t from 'tap'
import { FionaError } from '../../src/lib/error/index.ts'
import { errorRecord, isRecordOf, nowIso, parseRecord } from '../../src/lib/record/index.ts'
import { recordSchemas } from '../../src/lib/record/schema.ts'
import { projectRoot } from '../fixtures/peers.ts'
import { examples } from './examples.ts'

const Ajv = ajvModule.default

t.test('every type has an example, which is valid and keeps its unknown fields', async (t) => {
  t.same(Object.keys(examples).sort(), Object.keys(recordSchemas).sort())
  for (const [type, example] of Object.entries(examples)) {
    const extended = { ...example, ofASite: { kept: true } }
    t.equal(parseRecord(extended), extended, type)
  }
})

t.test('what a record must have is missed by name', async (t) => {
  for (const [type, schema] of Object.entries(recordSchemas)) {
    for (const field of schema.required ?? []) {
      if (field === 'type') continue
      const rest = Object.fromEntries(
        Object.entries(examples[type] ?? {}).filter(([name]) => name !== field),
      )
      t.throws(() => parseRecord(rest), {
        code: 'E_RECORD_INVALID',
        exitCode: 65,
        message: new RegExp(`^${type} record: .*'${field}'`),
      })
    }
  }
})

const wrong: readonly [type: string, field: string, value: unknown][] = [
  ['instance', 'path', 'relative/path.dcm'],
  ['instance', 'path', '/with\0nul'],
  ['instance', 'StudyInstanceUID', '../../etc'],
  ['instance', 'StudyInstanceUID', '1.'.repeat(40) + '1'],
  ['instance', 'size', -1],
  ['instance', 'size', 1.5],
  ['instance', 'sha256', 'AB'.repeat(32)],
  ['instance', 'attributes', { PatientID: 7 }],
  ['study', 'path', 'x'],
  ['study', 'revision', 0],
  ['study', 'series', [{ SeriesInstanceUID: '2.25.1' }]],
  ['study', 'time', '2026-01-02'],
  ['mpps', 'status', 'DONE'],
  ['request', 'participant', ''],
  ['transfer', 'status', 'ok'],
  ['mark', 'seq', '7'],
  ['error', 'retryable', 'no'],
  ['series', 'v', 2],
]
for (const [type, field, value] of wrong) {
  t.test(
    `a wrong ${field} of a ${type} record is refused: ${JSON.stringify(value).slice(0, 40)}`,
    async (t) => {
      t.throws(() => parseRecord({ ...examples[type], [field]: value }), {
        code: 'E_RECORD_INVALID',
        message: new RegExp(`^${type} record: ${field}`),
      })
    },
  )
}

t.test('what is no record at all is said to be none', async (t) => {
  for (const value of [null, undefined, 7, 'text', [], {}, { type: 7 }]) {
    t.throws(() => parseRecord(value), { code: 'E_RECORD_INVALID' })
  }
  for (const type of ['weather', '__proto__', 'constructor', 'toString']) {
    t.throws(() => parseRecord({ type }), { message: `no record type "${type}" is known` })
  }
})

t.test('the published schemas are valid JSON Schema and say the same as the code', async (t) => {
  const folder = join(projectRoot, 'docs/schema')
  const ajv = new Ajv({ strict: true, useDefaults: true, allErrors: true })
  for (const file of readdirSync(folder)) {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as object
    t.ok(ajv.validateSchema(schema), file)
    const validate = ajv.compile(schema)
    const type = file.replace('.json', '')
    if (type === 'config') {
      t.ok(validate({}), 'an empty configuration is one')
      continue
    }
    // That of `fiona-ctl status --json` is no record; its own test holds it against real output.
    if (type === 'status') continue
    t.ok(validate({ ...examples[type] }), type)
    for (const [of, field, value] of wrong) {
      if (of === type) t.notOk(validate({ ...examples[type], [field]: value }), `${type} ${field}`)
    }
  }
})

t.test('an error record says what happened, what to do, and to which record', async (t) => {
  const known = new FionaError('E_TEST', 'it went wrong', { hint: 'try again', retryable: true })
  t.match(errorRecord('fiona-x', known, { type: 'study' }), {
    type: 'error',
    v: 1,
    tool: 'fiona-x',
    code: 'E_TEST',
    message: 'it went wrong; try again',
    retryable: true,
    record: { type: 'study' },
  })
  const unknown = errorRecord('fiona-x', new TypeError('x is not a function'), null)
  t.match(unknown, { code: 'E_INTERNAL', message: 'x is not a function', retryable: false })
  t.match(errorRecord('fiona-x', 'thrown text', null), { message: 'thrown text' })
  t.equal(parseRecord(unknown), unknown)
})

t.test('times are UTC with milliseconds; a type narrows a record', async (t) => {
  t.match(nowIso(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  const record = parseRecord({ ...examples['mark'] })
  t.ok(isRecordOf(record, 'mark') && record.seq === 7)
  t.notOk(isRecordOf(record, 'study'))
})
