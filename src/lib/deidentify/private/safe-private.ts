import { type DicomFile, isKnownVR, isPrivateCreator } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'
import { safePrivateData } from './safe-private-data.ts'
import type { Surroundings } from '../surroundings.ts'

/** For a private element that is known to be safe; undefined for all others, which go. */
export type DecidePrivate = (tag: number, around: Surroundings) => Decision | undefined

const PrivateDataElementCharacteristicsSequence = 0x00080300
const PrivateGroupReference = 0x00080301
const PrivateCreatorReference = 0x00080302
const BlockIdentifyingInformationStatus = 0x00080303
const NonidentifyingPrivateElements = 0x00080304
const unknownVR = '--'

/** VR of safe private elements (PS3.15 Table E.3.10-1) by creator, group and last two digits; `--` where the table does not say. */
let loaded: ReadonlyMap<string, string> | undefined

function safeElements(): ReadonlyMap<string, string> {
  loaded ??= new Map(
    safePrivateData.split('\n').flatMap((line) => {
      const [creator = '', group = '', elements = ''] = line.split('|')
      return elements
        .split(' ')
        .map((entry) => [`${creator}|${group}|${entry.slice(0, 2)}`, entry.slice(2)] as const)
    }),
  )
  return loaded
}

/**
 * Retain Safe Private (PS3.15 E.3.10): what the standard's table lists, by the creator of its block, spelled as
 * there. Devices may say of their blocks that they are safe (PS3.3 C.12.1.1.7, (0008,0300)); it is
 * believed only where the project says so.
 * @param byVr what is done with a safe value of a VR; undefined for one that is safe nowhere
 */
export function decidePrivate(
  byVr: (vr: string) => Decision | undefined,
  honourPrivateDataInformation: boolean,
): DecidePrivate {
  const declared = new WeakMap<DicomFile, ReadonlySet<string>>()
  const isDeclared = (name: string, block: string, { file }: Surroundings) => {
    let safe = declared.get(file)
    if (safe === undefined) declared.set(file, (safe = declaredSafe(file)))
    return safe.has(block) || safe.has(name)
  }
  return (tag, around) => {
    // A reservation stays when anything of its block does, which is known later (rewrite-data-set.ts).
    if (isPrivateCreator(tag)) return undefined
    const creator = around.creatorOf(tag)
    if (creator === undefined) return undefined
    const block = `${creator}|${hex(tag >>> 16, 4)}`
    const name = `${block}|${hex(tag & 0xff, 2)}`
    const listed = safeElements().get(name)
    if (listed !== undefined && listed !== unknownVR) return byVr(listed)
    const isSafe =
      listed !== undefined || (honourPrivateDataInformation && isDeclared(name, block, around))
    // In implicit VR nobody says what it is, so nobody can say whether it is that.
    const found = around.dataSet.get(tag)?.vr ?? 'UN'
    return isSafe && found !== 'UN' && isKnownVR(found) ? byVr(found) : undefined
  }
}

/** Blocks and elements that the object itself calls safe, of well-formed items only. */
function declaredSafe(file: DicomFile): ReadonlySet<string> {
  const safe = new Set<string>()
  for (const item of file.dataSet.get(PrivateDataElementCharacteristicsSequence)?.items ?? []) {
    const [group] = file.numbers(item, PrivateGroupReference)
    const creator = file.string(item, PrivateCreatorReference)
    if (group === undefined || creator === undefined) continue
    const block = `${creator}|${hex(group, 4)}`
    const status = file.string(item, BlockIdentifyingInformationStatus)
    if (status === 'SAFE') safe.add(block)
    else if (status === 'MIXED') {
      for (const element of file.numbers(item, NonidentifyingPrivateElements)) {
        safe.add(`${block}|${hex(element & 0xff, 2)}`)
      }
    }
  }
  return safe
}

function hex(number: number, digits: number): string {
  return number.toString(16).toUpperCase().padStart(digits, '0')
}
