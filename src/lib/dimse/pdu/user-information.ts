import type { ExtendedNegotiation, RoleSelection, UserInformation } from './pdu.ts'
import { pduLimits } from './limits.ts'
import type { ItemReader } from './item-reader.ts'
import { invalidValue } from './protocol-error.ts'
import { encodeItem, uint16 } from './encode-item.ts'

/** Sub-item types: PS3.8 annex D.1, PS3.7 annex D.3.3. */
const SubItem = {
  maximumLength: 0x51,
  implementationClassUID: 0x52,
  asynchronousOperationsWindow: 0x53,
  roleSelection: 0x54,
  implementationVersionName: 0x55,
  extendedNegotiation: 0x56,
} as const

type Draft = { -readonly [Key in keyof UserInformation]: UserInformation[Key] }

export function readUserInformation(items: ItemReader): UserInformation {
  const draft: Draft = { maxPduLength: 0, implementationClassUID: '' }
  const roles: RoleSelection[] = []
  const extendedNegotiations: ExtendedNegotiation[] = []
  const others: { type: number; bytes: Buffer }[] = []
  for (let count = 0; items.remaining > 0; count++) {
    if (count >= pduLimits.maxUserInformationItems) throw invalidValue('too many user items')
    const { type, contents } = items.item()
    switch (type) {
      case SubItem.maximumLength:
        draft.maxPduLength = contents.uint32()
        break
      case SubItem.implementationClassUID:
        draft.implementationClassUID = contents.shortText(
          contents.remaining,
          pduLimits.maxUidBytes,
          'an implementation class UID',
        )
        break
      case SubItem.implementationVersionName:
        // Some peers write more than the 16 characters allowed: nothing depends on it.
        draft.implementationVersionName = contents
          .text(contents.remaining)
          .slice(0, pduLimits.maxVersionNameBytes)
        break
      case SubItem.asynchronousOperationsWindow:
        draft.asynchronousOperations = { invoked: contents.uint16(), performed: contents.uint16() }
        break
      case SubItem.roleSelection:
        roles.push({
          SOPClassUID: sopClass(contents),
          scu: contents.uint8() === 1,
          scp: contents.uint8() === 1,
        })
        break
      case SubItem.extendedNegotiation:
        extendedNegotiations.push({
          SOPClassUID: sopClass(contents),
          information: contents.bytes(contents.remaining),
        })
        break
      default:
        // PS3.8 9.3.1: what is not recognized is ignored, not refused.
        others.push({ type, bytes: contents.bytes(contents.remaining) })
    }
  }
  if (roles.length > 0) draft.roles = roles
  if (extendedNegotiations.length > 0) draft.extendedNegotiations = extendedNegotiations
  if (others.length > 0) draft.others = others
  return draft
}

function sopClass(contents: ItemReader): string {
  return contents.shortText(contents.uint16(), pduLimits.maxUidBytes, 'a SOP class UID')
}

export function encodeUserInformation(user: UserInformation): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(user.maxPduLength)
  const items = [
    encodeItem(SubItem.maximumLength, length),
    encodeItem(SubItem.implementationClassUID, Buffer.from(user.implementationClassUID, 'latin1')),
  ]
  const window = user.asynchronousOperations
  if (window !== undefined) {
    const bytes = Buffer.concat([uint16(window.invoked), uint16(window.performed)])
    items.push(encodeItem(SubItem.asynchronousOperationsWindow, bytes))
  }
  for (const { SOPClassUID, scu, scp } of user.roles ?? []) {
    const bytes = Buffer.concat([counted(SOPClassUID), Buffer.of(scu ? 1 : 0, scp ? 1 : 0)])
    items.push(encodeItem(SubItem.roleSelection, bytes))
  }
  if (user.implementationVersionName !== undefined) {
    const name = Buffer.from(user.implementationVersionName, 'latin1')
    items.push(encodeItem(SubItem.implementationVersionName, name))
  }
  for (const { SOPClassUID, information } of user.extendedNegotiations ?? []) {
    const bytes = Buffer.concat([counted(SOPClassUID), information])
    items.push(encodeItem(SubItem.extendedNegotiation, bytes))
  }
  for (const { type, bytes } of user.others ?? []) items.push(encodeItem(type, bytes))
  return Buffer.concat(items)
}

function counted(uid: string): Buffer {
  const bytes = Buffer.from(uid, 'latin1')
  return Buffer.concat([uint16(bytes.length), bytes])
}
