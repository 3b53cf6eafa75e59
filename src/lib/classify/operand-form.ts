import { readTagForm, tagOf, type NoTag } from '../dicom/index.ts'
import { isFieldName } from './field-names.ts'
import type { Operand, SemanticsName } from './rule-definition.ts'

/** What a rule looks at, by the forms of a tag; one name is that of the types found so far. */
export function readOperand(parts: readonly unknown[], semantics: SemanticsName): Operand | NoTag {
  const form = readTagForm(parts, semantics === 'compat')
  const isTypes = isOperand(form) && form.kind === 'name' && form.name === 'ClassifyType'
  return isTypes ? { kind: 'types', key: 'ClassifyType' } : form
}

export function isOperand(read: Operand | NoTag): read is Operand {
  return 'kind' in read
}

/** Whether a name can ever have a value. */
export function isKnownName(name: string): boolean {
  return tagOf(name) !== undefined || isFieldName(name)
}
