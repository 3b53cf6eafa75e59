import { resolve } from 'node:path'
import { loadOriginal } from '../../config/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import { asYaml } from './as-yaml.ts'
import { whatIsLeft, type Left } from './what-is-left.ts'

export interface Migration {
  /** Of an original FIONA's config.json. */
  readonly path: string
  readonly print: (text: string) => Promise<void>
  /** Told of each key that has no place in fiona.yaml. */
  readonly onLeft: (left: Left) => void
}

/**
 * Prints the fiona.yaml that means what an original FIONA's config.json does.
 * @throws FionaError E_CONFIG with every mistake of the file and its line, E_NOT_ORIGINAL
 */
export async function migrate({ path, print, onLeft }: Migration): Promise<void> {
  const file = resolve(path)
  const found = await loadOriginal(file)
  if (found === undefined) {
    throw new FionaError('E_NOT_ORIGINAL', `${path} is no config.json of an original FIONA`, {
      hint: 'it has none of DICOMPORT, DICOMAETITLE, DICOMIP, DATADIR and SITES; a fiona.yaml needs no migration',
      exitCode: ExitCode.badInput,
    })
  }
  const left = whatIsLeft(found.original)
  for (const line of asYaml(found, file, left)) await print(line)
  for (const one of left) onLeft(one)
}
