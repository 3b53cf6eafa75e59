import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { temporaryPath } from '../../../storage/index.ts'
import type { StudyObject } from '../../list-objects.ts'
import { summaryOf } from './series-summary.ts'
import { tarOfObjects } from './tar-of-objects.ts'

/** As the original does, for which the network is faster than its processors. */
const level = 1

/** A package as it lies in the spool, until it is disposed of. */
export interface SeriesPackage extends AsyncDisposable {
  /** Local files by what their names end in, in the order in which they are to appear: who sees the last sees all. */
  readonly files: readonly { readonly extension: string; readonly path: string }[]
  readonly digests: ReadonlyMap<StudyObject, string>
}

/**
 * Packs a series: `.json` says what it is, `.tgz` has its objects, and `.md5sum` the MD5 of that, as md5sum(1) writes and
 * checks it. Nothing is held in memory.
 * @param name of the package, without an extension
 * @param spool a directory of ours
 * @param onObject is told of each object before it is read
 * @throws FionaError E_FILE_READ; what the disk of the spool says
 */
export async function makePackage(
  objects: readonly StudyObject[],
  name: string,
  spool: string,
  onObject: (object: StudyObject) => void,
): Promise<SeriesPackage> {
  const [json, tgz, md5sum] = ['json', 'tgz', 'md5sum'].map((extension) => ({
    extension,
    path: temporaryPath(spool),
  })) as [Part, Part, Part]
  const files = [json, tgz, md5sum]
  const dispose = async (): Promise<void> => {
    await Promise.all(files.map(({ path }) => rm(path, { force: true })))
  }
  try {
    const digests = new Map<StudyObject, string>()
    const md5 = createHash('md5')
    const sha256 = createHash('sha256')
    let bytes = 0
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        md5.update(chunk)
        sha256.update(chunk)
        bytes += chunk.length
        done(null, chunk)
      },
    })
    await pipeline(
      tarOfObjects(objects, digests, onObject),
      createGzip({ level }),
      counted,
      createWriteStream(tgz.path, { flags: 'wx', mode: 0o640 }),
    )
    const sum = md5.digest('hex')
    if (objects[0] !== undefined) onObject(objects[0])
    const about = { package: `${name}.tgz`, bytes, md5: sum, sha256: sha256.digest('hex') }
    const mode = { flag: 'wx', mode: 0o640 }
    await writeFile(json.path, summaryOf(objects, about), mode)
    await writeFile(md5sum.path, `${sum} *${name}.tgz\n`, mode)
    return { files, digests, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

interface Part {
  readonly extension: string
  readonly path: string
}
