import { whySqliteIsMissing } from '../sqlite/index.ts'
import { type Finding, ok, warning } from './finding.ts'

/** The chain runs without it; whoever wants `fiona ls` should know before. */
export async function checkIndex(): Promise<Finding[]> {
  const missing = await whySqliteIsMissing()
  if (missing === undefined) return [ok('index', 'SQLite can be loaded')]
  const text = `${missing.message}: there is no index, and fiona ls cannot be used`
  return [warning('index', text, missing.hint ?? 'all else works without it')]
}
