import {
  type DicomFile,
  formatTag,
  keywordOf,
  osLevelOf,
  seriesFields,
  tagOf,
  vrOf,
} from '../dicom/index.ts'
import { textList, textLiteral } from '../text/index.ts'
import { attributeValue, textValue } from './attribute-value.ts'
import type { CompatRules, CopiedTest } from './compat-rules.ts'
import type { CompatOutcome, CompatValue } from './compat-test.ts'
import { ReadValues } from './operands.ts'
import type { Operand } from './rule-definition.ts'
import {
  type Classified,
  type DefinitionTrace,
  type SeriesTypes,
  type TestTrace,
  foundText,
  traceHead,
} from './rules.ts'

/**
 * A series as the original kept it: the fields of its JSON, taken from the first object, and the list
 * of types, to which each object adds its own. `SeriesLevel` takes a type away again when an object
 * does not match, and a later one may bring it back.
 */
export class CompatSeries implements SeriesTypes {
  readonly #rules: CompatRules
  readonly #types = new Set<string>()
  readonly #fields = new Map<string, CompatValue>()
  readonly #held: number[]
  #objects = 0

  constructor(rules: CompatRules) {
    this.#rules = rules
    this.#held = rules.definitions.map(() => 0)
  }

  get weight(): number {
    return 4
  }

  add(file: DicomFile, explain = false): Classified {
    this.#noteFields(file)
    // Tests see the list as it was after the object before, whatever this one adds.
    const before = this.#rules.order.sort(this.#types)
    const { all: operands } = this.#rules.operands
    const values = new ReadValues(operands.length, (slot) => {
      const operand = operands[slot]
      return operand === undefined ? undefined : this.#value(file, operand, before)
    })
    const held = this.#rules.tests.map((tests) => tests.every((test) => isMet(test, values)))
    this.#rules.definitions.forEach(({ type, everyObject }, at) => {
      if (held[at] === true) {
        this.#types.add(type)
        this.#held[at] = (this.#held[at] ?? 0) + 1
      } else if (everyObject) this.#types.delete(type)
    })
    const types = this.#rules.order.sort(this.#types)
    if (!explain) return { types }
    const trace = this.#trace(
      (at) => held[at] === true,
      (at) => ({ tests: this.#rules.tests[at]?.map((test) => traceTest(test, values)) ?? [] }),
    )
    return { types, trace }
  }

  summary(explain = false): Classified {
    const types = this.#rules.order.sort(this.#types)
    if (!explain) return { types }
    const trace = this.#trace(
      (at) => this.#types.has(this.#rules.definitions[at]?.type ?? ''),
      (at) => ({ objects: this.#held[at] ?? 0, of: this.#objects }),
    )
    return { types, trace }
  }

  #trace(
    isMatched: (at: number) => boolean,
    details: (at: number) => Partial<DefinitionTrace>,
  ): DefinitionTrace[] {
    return this.#rules.definitions.map((definition, at) => ({
      ...traceHead(definition),
      matched: isMatched(at),
      ...details(at),
    }))
  }

  #noteFields(file: DicomFile): void {
    this.#objects += 1
    if (this.#objects === 1) {
      for (const [name, tag] of seriesFields()) {
        const value = attributeValue(file, tag)
        const text = name === 'OSLevel' ? osLevelOf(value?.text ?? '') : value?.text
        if (text !== undefined) this.#fields.set(name, field(text))
      }
      const modality = this.#fields.get('Modality')?.text
      if (modality !== undefined) this.#fields.set('Modality', list([modality]))
      if (!this.#fields.has('StudyDescription')) {
        this.#fields.set('StudyDescription', field('missing'))
      }
    } else {
      const location = attributeValue(file, 0x00201041)?.text
      const least = this.#fields.get('SliceLocation')?.text
      if (location !== undefined && (least === undefined || Number(location) < Number(least))) {
        this.#fields.set('SliceLocation', field(location))
      }
    }
    this.#fields.set('NumFiles', field(String(this.#objects)))
  }

  #value(file: DicomFile, operand: Operand, types: readonly string[]): CompatValue | undefined {
    if (operand.kind === 'types') return list(types)
    if (operand.kind === 'name') {
      return this.#fields.get(operand.name) ?? elementValue(file, operand.name)
    }
    if (operand.kind === 'private' || operand.kind === 'path') return undefined
    const value = attributeValue(file, operand.tag)
    if (operand.index === undefined || value === undefined) return value
    // Of a single text the index takes a character.
    const part = value.isList ? value.texts[operand.index] : value.text.charAt(operand.index)
    return part === undefined || part === ''
      ? undefined
      : { ...value, ...field(part), form: value.form }
  }
}

function field(text: string): CompatValue {
  return { form: 'text', texts: text === '' ? [] : [text], isList: false, text }
}

function list(texts: readonly string[]): CompatValue {
  return { ...textValue(texts), isList: true, text: textList(texts) }
}

/** A name that the series JSON lacks got pydicom's element, which reads `(0018,1030) ProtocolName LO: 'x'`. */
function elementValue(file: DicomFile, name: string): CompatValue | undefined {
  const tag = tagOf(name)
  const value = tag === undefined ? undefined : attributeValue(file, tag)
  if (tag === undefined || value === undefined) return undefined
  const isText = value.form === 'text' || value.form === 'name'
  const shown = isText && !value.isList ? textLiteral(value.text) : value.text
  const text = `${formatTag(tag)} ${keywordOf(tag) ?? name} ${vrOf(tag) ?? 'UN'}: ${shown}`
  return { ...value, text, isElement: true }
}

function isMet(copied: CopiedTest, values: ReadValues<CompatValue>): boolean {
  return passes(copied.run(values.at(copied.found), values.at(copied.expected)), copied.negate)
}

function passes(outcome: CompatOutcome, negate: boolean): boolean {
  if (outcome === 'pass' || outcome === 'fail') return outcome === 'pass'
  return (outcome === 'true') !== negate
}

const notes: Readonly<Record<CompatOutcome, string | undefined>> = {
  true: undefined,
  false: undefined,
  pass: 'not a number on both sides: passes either way',
  fail: 'the operator cannot be used here: the definition does not hold',
}

function traceTest(copied: CopiedTest, values: ReadValues<CompatValue>): TestTrace {
  const { tag, operator, value } = copied.test.written
  const outcome = copied.run(values.at(copied.found), values.at(copied.expected))
  const note = notes[outcome]
  return {
    tag,
    operator,
    value,
    ...(copied.negate ? { negate: true } : {}),
    found: foundText(values.at(copied.found)?.text),
    passed: passes(outcome, copied.negate),
    ...(note === undefined ? {} : { note }),
  }
}
