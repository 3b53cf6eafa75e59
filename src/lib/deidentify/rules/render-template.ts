import type { Placeholder, Template } from './rule.ts'

/** What the request says of a study; no event where it says none. */
export interface RequestFacts {
  readonly participant: string
  readonly project: string
  readonly event: string | undefined
  readonly requestId: string
}

export function renderTemplate(template: Template, facts: RequestFacts): string {
  const of = (name: Placeholder): string => facts[name] ?? ''
  return template.map((part) => (typeof part === 'string' ? part : of(part.of))).join('')
}
