import { isUid } from '../../uid/index.ts'
import { nearest } from '../../text/index.ts'
import { keyObjectSelection, policyOf } from '../object-policy.ts'
import { sopClassData } from './sop-class-data.ts'

const root = '1.2.840.10008.5.1.'

let loaded: ReadonlyMap<string, string> | undefined

/** UIDs by keyword. */
function classes(): ReadonlyMap<string, string> {
  loaded ??= new Map(
    sopClassData.split('\n').map((line) => {
      const [uid = '', keyword = ''] = line.split(' ')
      return [keyword, root + uid]
    }),
  )
  return loaded
}

/** The UID of a class by its keyword in PS3.6, or itself. */
export function sopClassOf(written: string): string | undefined {
  if (isUid(written)) return written.includes('.') ? written : undefined
  return classes().get(written)
}

/** Kinds of objects as people call them, and the UIDs that they stand for. */
const kinds: Readonly<Record<string, (uid: string) => boolean>> = {
  PR: (uid) => policyOf(uid) === 'presentation',
  SR: (uid) => policyOf(uid) === 'report' && uid !== keyObjectSelection,
  KO: is('88.59'),
  SC: is('7', '7.1', '7.2', '7.3', '7.4'),
  US: is('6', '6.1', '6.2', '3', '3.1', '6.3'),
  SEG: is('66.4', '66.5', '66.7', '66.8'),
  REG: is('66.1', '66.3'),
  RTSTRUCT: is('481.3'),
  RTPLAN: is('481.5', '481.8'),
  RTDOSE: is('481.2'),
  'Encapsulated PDF': is('104.1'),
  'Encapsulated CDA': is('104.2'),
  'Encapsulated STL': is('104.3'),
  'Encapsulated OBJ': is('104.4'),
  'Encapsulated MTL': is('104.5'),
  'Raw Data': is('66'),
  Voice: (uid) => policyOf(uid) === 'voice',
  'Surface Scan': (uid) => policyOf(uid) === 'surface-scan',
  Waveform: (uid) => uid.startsWith(`${root}4.1.1.9.`) && policyOf(uid) === 'data',
  Spectroscopy: is('4.2'),
}

function is(...suffixes: readonly string[]): (uid: string) => boolean {
  const uids = new Set(suffixes.map((suffix) => `${root}4.1.1.${suffix}`))
  return (uid) => uids.has(uid)
}

/** All classes of a kind, or the one of that keyword or UID; undefined for a name of none. */
export function sopClassesOf(written: string): readonly string[] | undefined {
  const name = Object.keys(kinds).find((kind) => plain(kind) === plain(written))
  const kind = name === undefined ? undefined : kinds[name]
  if (kind !== undefined) return [...classes().values()].filter(kind)
  const uid = sopClassOf(written)
  return uid === undefined ? undefined : [uid]
}

/** `; did you mean "PR"?`, or what there is. */
export function meantClass(written: string, withKinds: boolean): string {
  const guess = nearest(written, [...(withKinds ? Object.keys(kinds) : []), ...classes().keys()])
  if (guess !== undefined) return `; did you mean "${guess}"?`
  return withKinds
    ? `; there are ${Object.keys(kinds).join(', ')}, and every SOP class by keyword or UID`
    : '; a keyword of PS3.6 such as CTImageStorage, or a UID, is expected'
}

function plain(name: string): string {
  return name.toUpperCase().replace(/[\s_-]/g, '')
}
