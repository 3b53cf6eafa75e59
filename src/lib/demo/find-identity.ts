import { readFile } from 'node:fs/promises'

/** A value that must not be anywhere in what leaves the clinic, and what it is. */
export interface PlantedIdentity {
  readonly what: string
  readonly value: string
  /** The value as the objects hold it, when their character set is not UTF-8. */
  readonly encodings?: readonly Buffer[]
}

/**
 * Looks for each value, in every encoding it has, in every byte of the files. It knows nothing of
 * DICOM on purpose: it would also find what a parser does not see.
 * @returns where something was found, by what it is; never the value
 */
export async function findIdentity(
  files: readonly string[],
  identities: readonly PlantedIdentity[],
): Promise<{ readonly files: number; readonly values: number; readonly found: readonly string[] }> {
  const found: string[] = []
  for (const path of files) {
    const bytes = await readFile(path)
    for (const { what, value, encodings = [] } of identities) {
      const forms = [Buffer.from(value), Buffer.from(value, 'utf16le'), ...encodings]
      if (forms.some((form) => bytes.includes(form))) found.push(`${what} in ${path}`)
    }
  }
  return { files: files.length, values: identities.length, found }
}
