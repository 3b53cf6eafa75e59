import type { Config } from '../config/index.ts'
import { about, type Finding, ok, warning } from './finding.ts'

/** Two doors may have one AE title; a sender that goes by it alone is then easily sent to the wrong one. */
export async function checkDoors({ receiver, projects }: Config): Promise<Finding[]> {
  const seen = new Map([[receiver.aeTitle.trim(), 'receiver']])
  const found = Object.entries(projects).flatMap(([name, { receiver: own }]): Finding[] => {
    const title = own?.aeTitle?.trim()
    if (title === undefined) return []
    const key = `projects.${name}.receiver`
    const other = seen.get(title)
    if (other === undefined) seen.set(title, key)
    if (other === undefined) return []
    const text = `${key}.aeTitle is ${title}, and so is ${other}.aeTitle`
    const hint = 'give each door an AE title of its own, so that nobody takes one for the other'
    return [about(warning('doors', text, hint), 'projects', name, 'receiver', 'aeTitle')]
  })
  return found.length > 0 ? found : [ok('doors', 'no two have one AE title')]
}
