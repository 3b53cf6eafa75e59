import { indexPart } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import { closedParts, disabledDoors, readEnabled, wholeChain } from '../control/index.ts'
import { type Finding, ok, thrown, warning } from './finding.ts'

/** What is closed on purpose, and the original's file of three characters. */
export async function checkEnabled(config: Config): Promise<Finding[]> {
  try {
    const enabled = await readEnabled(config.dataDir)
    const found: Finding[] = [...(await closedParts(config))]
      // For want of a library; that is looked at by itself.
      .filter(([part]) => part !== indexPart)
      .map(([part, reason]) => warning('enabled', `${part} is closed`, reason))
    if ((await disabledDoors(config.dataDir)).has(wholeChain)) {
      found.push(warning('enabled', 'the chain is disabled', 'fiona-ctl enable allows it again'))
    }
    if (enabled?.anonymize === false) {
      const text = `the third character of ${enabled.path} is 0: studies are de-identified nevertheless`
      found.push(ok('enabled', text))
    }
    return found.length > 0 ? found : [ok('enabled', 'every door is to be open')]
  } catch (problem) {
    return [thrown('enabled', problem)]
  }
}
