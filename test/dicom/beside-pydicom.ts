// What pydicom reads out of files, and where that is not what we read.
import { spawnSync } from 'node:child_process'
import { projectRoot } from '../fixtures/peers.ts'
import { type Difference, differences, readOurs, unpadded, withoutEmptyGroups } from './readings.ts'

type Said = readonly [
  path: string,
  vr: string,
  kind: 'items' | 'text' | 'number' | 'bytes' | 'error',
  values: unknown,
]

/** One process for all of them. */
function pydicomReads(files: readonly Buffer[]): ReadonlyMap<string, Said>[] {
  const script = `${projectRoot}test/fixtures/values-with-pydicom.py`
  const done = spawnSync('/usr/bin/python3', [script], {
    input: files.map((bytes) => `${bytes.toString('base64')}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  const lines = done.stdout.split('\n').filter((line) => line !== '')
  if (lines.length !== files.length) throw new Error(`pydicom ended early: ${done.stderr}`)
  return lines.map((line) => {
    const { elements, error } = JSON.parse(line) as { elements?: readonly Said[]; error?: string }
    if (elements === undefined) throw new Error(`pydicom: ${String(error)}`)
    return new Map(elements.map((said) => [said[0], said]))
  })
}

function asPydicomMeans([, vr, kind, values]: Said): unknown {
  if (kind === 'items') return values
  if (kind === 'bytes' || kind === 'error') return [vr, kind, values]
  const texts = (values as readonly string[]).map((value) => {
    if (kind === 'number') return vr === 'UV' || vr === 'SV' ? value : Number(value)
    const text = unpadded(value, vr)
    return vr === 'PN' ? withoutEmptyGroups(text) : text
  })
  return [vr, kind, emptyIsNone(texts)]
}

function emptyIsNone(values: readonly unknown[]): readonly unknown[] {
  return values.length === 1 && values[0] === '' ? [] : values
}

/** Numbers of 64 bits are compared as text: most of them are no `number`. */
const isLong = (vr: string): boolean => vr === 'UV' || vr === 'SV'

/** @returns of each file what is different; a value whose VR pydicom does not know is compared by its bytes */
export function besidePydicom(files: readonly Buffer[]): Difference[][] {
  const reads = pydicomReads(files)
  return files.map((bytes, at) => {
    const theirs = reads[at] ?? new Map<string, Said>()
    const ours = readOurs(bytes, (file, dataSet, element, path) => {
      const { tag, vr } = element
      const [, theirVR, kind] = theirs.get(path) ?? []
      // What somebody passed on as UN pydicom calls what the dictionary calls it.
      const name = vr === 'UN' && theirVR !== undefined ? theirVR : vr
      if (kind === 'number' && !isLong(name)) return [name, kind, file.numbers(dataSet, tag)]
      if (kind !== 'text' && kind !== 'number')
        return [name, 'bytes', file.bytes(element).toString('hex')]
      const texts = file.strings(dataSet, tag)
      return [name, kind, name === 'PN' ? texts.map(withoutEmptyGroups) : texts]
    })
    const meant = new Map([...theirs].map(([path, said]) => [path, asPydicomMeans(said)]))
    return differences(meant, ours)
  })
}
