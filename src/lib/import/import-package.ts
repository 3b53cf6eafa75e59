import { beginsLikeDicom, DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { asStorageError, type Intake, type Known } from '../intake/index.ts'
import type { PathRecord } from '../record/index.ts'
import { directoryClassElement, isDirectory } from './directory.ts'
import type { FileEntry } from './entry.ts'
import { shownPath } from './file-path.ts'
import { named, unreadable } from './file-trouble.ts'
import type { Part } from './imported.ts'
import {
  Allowance,
  hasPackageName,
  packageKind,
  readPackage,
  type Member,
} from './package/index.ts'
import { canWait } from './patience.ts'
import { SourceFile } from './source-file.ts'
import { Spool } from './spool.ts'

export interface PackageOptions {
  readonly intake: Intake
  readonly known: Pick<Known, 'source' | 'project'>
  readonly isStrict: boolean
  readonly inputOf: (member: string) => PathRecord
}

/** Enough to see how a file begins. */
const headBytes = 1100

/**
 * What the members of a package are, one after the other: each is unpacked into a part file of the archive,
 * which is what its import then puts in place. What is no object is not unpacked at all.
 * @throws FionaError what is wrong with the whole package: E_PACKAGE_…, E_FILE_…, E_DISK_FULL, E_ARCHIVE_WRITE
 */
export async function* partsOfPackage(
  entry: FileEntry,
  options: PackageOptions,
): AsyncGenerator<Part, void, undefined> {
  const { path, member: wanted } = entry
  const file = new SourceFile(path)
  let isThere = wanted === undefined
  try {
    file.requirePlace()
    const allowance = new Allowance(file.size)
    for await (const member of readPackage(file.fd, file.size, file.head(), allowance)) {
      if (wanted !== undefined && member.name !== wanted) continue
      isThere = true
      yield { input: options.inputOf(member.name), import: await unpacked(path, member, options) }
    }
    if (!isThere) throw noSuchMember()
  } catch (error) {
    throw named(shownPath(path), isOfSystem(error) ? unreadable(path, error) : error)
  } finally {
    file.close()
  }
}

/** @throws what concerns the package, or the archive */
async function unpacked(
  path: FileEntry['path'],
  member: Member,
  options: PackageOptions,
): Promise<Part['import']> {
  // As JSON: a name may hold what a terminal would obey.
  const name = `${shownPath(path)}: member ${JSON.stringify(member.name)}`
  const refuse = (error: unknown) => async () => {
    throw named(name, error)
  }
  if (member.trouble !== undefined) return refuse(member.trouble)
  try {
    const run = await unpack(member, options)
    return async () => {
      try {
        return await run()
      } catch (error) {
        throw named(name, error)
      }
    }
  } catch (error) {
    const isOfPackage = error instanceof FionaError && error.code === 'E_PACKAGE_BOMB'
    if (isOfPackage || canWait(error)) throw error
    return refuse(isOfSystem(error) ? unreadable(path, error) : error)
  }
}

async function unpack(member: Member, options: PackageOptions): Promise<Part['import']> {
  let head = Buffer.alloc(0)
  let spool: Spool | undefined
  try {
    for await (const chunk of member.content()) {
      if (spool !== undefined) await spool.write(chunk)
      else {
        head = Buffer.concat([head, chunk])
        if (head.length < headBytes) continue
        if (!beginsLikeDicom(head)) return leftOut(member, head, options)
        spool = await Spool.begin(options.intake)
        await spool.write(head)
        head = head.subarray(0, headBytes)
      }
    }
    if (spool === undefined) {
      if (!beginsLikeDicom(head)) return leftOut(member, head, options)
      spool = await Spool.begin(options.intake)
      await spool.write(head)
    }
  } catch (error) {
    await spool?.discard()
    throw error
  }
  const whole = spool
  whole.flush()
  return () => store(whole, head, options)
}

async function store(spool: Spool, head: Buffer, { intake, known }: PackageOptions) {
  const { size, path } = spool
  try {
    using dicom = DicomFile.fromDescriptor(spool.fd, 'the member')
    if (isDirectory(dicom)) {
      await spool.discard()
      return { skipped: 'directory' } as const
    }
    // What is no whole object shall leave no trace: it is still in its package.
    const stored = await intake.findStored(dicom, spool.fd, { path, size, ...known })
    if (stored !== undefined) {
      await spool.discard()
      return { record: stored }
    }
  } catch (error) {
    await spool.discard()
    if (head.includes(directoryClassElement)) return { skipped: 'directory' } as const
    throw error
  }
  return { record: await spool.take(known) }
}

/** As in a folder: other things are passed over. A package in a package is not opened, and said. */
function leftOut(member: Member, head: Buffer, { isStrict }: PackageOptions): Part['import'] {
  return async () => {
    if (head.length === 0) throw emptyMember()
    if (packageKind(head) !== undefined && hasPackageName(member.name)) throw nested()
    if (isStrict) throw notDicom()
    return { skipped: 'notDicom' }
  }
}

function isOfSystem(error: unknown): boolean {
  return asStorageError(error) !== error
}

function emptyMember(): FionaError {
  return new FionaError('E_DICOM_PARSE', 'it is empty', {
    hint: 'packing it may have failed; get it again from where it came',
    exitCode: ExitCode.badInput,
  })
}

function notDicom(): FionaError {
  return new FionaError('E_DICOM_PARSE', 'it is not a DICOM file', {
    hint: 'leave it out of the package, or import without --strict',
    exitCode: ExitCode.badInput,
  })
}

function nested(): FionaError {
  return new FionaError('E_PACKAGE_NESTED', 'it is a package itself', {
    hint: 'packages in packages are not opened: unpack the outer one and import the folder',
    exitCode: ExitCode.badInput,
  })
}

function noSuchMember(): FionaError {
  return new FionaError('E_FILE_MISSING', 'the member that was asked for is not in it', {
    hint: 'unzip -l FILE, or tar tf FILE, lists what is',
    exitCode: ExitCode.badInput,
  })
}
