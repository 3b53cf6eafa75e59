import {
  autoId,
  choiceList,
  couplingList,
  dataTransferProjects,
  type Dictionary,
  type DictionaryField,
  exportNames,
  incoming,
  ownProject,
  routing,
} from './dictionary.ts'
import type { RedcapProject } from './redcap-project.ts'
import type { RedcapProjects } from './known-tables.ts'

/** What was found of one REDCap project. */
export interface ProjectCheck {
  readonly name: string
  readonly fields: number
  /** Needed and not there, or not so that FIONA could use them. */
  readonly missing: readonly string[]
}

/** The projects that are configured, and what each must have. */
export function expectations(
  projects: RedcapProjects,
): { readonly project: RedcapProject; readonly dictionary: Dictionary }[] {
  return [
    { project: projects.incoming, dictionary: incoming },
    { project: projects.projects, dictionary: dataTransferProjects },
    { project: projects.routing, dictionary: routing },
    { project: projects.couplings, dictionary: couplingList },
    { project: projects.autoIds, dictionary: autoId },
    ...[...projects.own.values()].map((project) => ({ project, dictionary: ownProject })),
  ].flatMap(({ project, dictionary }) => (project === undefined ? [] : [{ project, dictionary }]))
}

/**
 * Asks a project for its dictionary and for what repeats. Nothing is written, and no record is read.
 * @throws FionaError E_REDCAP_…
 */
export async function checkProject(
  project: RedcapProject,
  dictionary: Dictionary,
  signal: AbortSignal,
): Promise<ProjectCheck> {
  const found = new Map((await project.metadata(signal)).map((field) => [field.field_name, field]))
  const wanted = dictionary.forms.flatMap(({ name, fields }) =>
    fields.map((field: DictionaryField) => ({ form: name, field })),
  )
  const missing = wanted.flatMap(({ form, field }) => {
    if (field.needed !== true) return []
    const there = found.get(field.name)
    if (there === undefined) return [`the field ${field.name}`]
    if (there.form_name !== form)
      return [`the field ${field.name} in the instrument ${form} (it is in ${there.form_name})`]
    if (field.type !== 'checkbox') return []
    const codes = new Set(choiceList(there.choices).map(([code]) => `${field.name}___${code}`))
    return exportNames(field)
      .filter((name) => !codes.has(name))
      .map((name) => `the choice ${name}`)
  })
  const repeating = dictionary.forms.filter(
    (form) => 'repeating' in form && form.repeating === true,
  )
  // Asked for only where it matters: some tokens may read the dictionary and not this.
  const there = repeating.length === 0 ? [] : await project.repeatingForms(signal)
  for (const { name, fields } of repeating) {
    const isNeeded = fields.some((field: DictionaryField) => field.needed === true)
    if (isNeeded && !there.some(({ form_name }) => form_name === name)) {
      missing.push(`that the instrument ${name} repeats`)
    }
  }
  const [first] = dictionary.forms[0]?.fields ?? []
  const [own] = found.keys()
  if (first !== undefined && own !== undefined && own !== first.name && found.has(first.name)) {
    missing.push(`that ${first.name} is the first field, which names the records`)
  }
  return { name: project.name, fields: found.size, missing }
}
