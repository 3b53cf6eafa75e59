import t from 'tap'
import {
  type AssociateRequest,
  PduType,
  type RoleSelection,
  acceptAssociation,
  encodeControlPdu,
  readControlPdu,
} from '../../src/lib/dimse/index.ts'
import { associateRequest } from './peer.ts'

const answer = (request: AssociateRequest) =>
  acceptAssociation(request, {
    maxPduBytes: 16384,
    implementationClassUID: `2.25.${'1'.repeat(39)}`,
    implementationVersionName: 'TEST',
    choose: (_, [transferSyntax = '']) => ({ transferSyntax }),
  })
const withRoles = (roles: readonly RoleSelection[]): AssociateRequest =>
  associateRequest({
    userInformation: { maxPduLength: 16384, implementationClassUID: '2.25.7', roles },
  })

t.test('a role is answered for each SOP class that is proposed, once', async (t) => {
  const [ct] = associateRequest().presentationContexts
  const SOPClassUID = ct?.abstractSyntax ?? ''
  const both = { SOPClassUID, scu: true, scp: true }
  const request = withRoles([both, both, { ...both, SOPClassUID: '1.2.3' }])
  t.same(answer(request).userInformation.roles, [{ SOPClassUID, scu: true, scp: false }])
  t.notOk('roles' in answer(withRoles([{ ...both, SOPClassUID: '1.2.3' }])).userInformation)
})

t.test('as many roles as a request can hold have an answer that can be written', async (t) => {
  const roles = Array.from({ length: 885 }, (_, n) => ({
    SOPClassUID: String(n).padStart(66, '1'),
    scu: true,
    scp: true,
  }))
  // As it comes: what is read, not what a caller of ours would make.
  const request = readControlPdu(
    1,
    encodeControlPdu({
      ...withRoles(roles),
      userInformation: { maxPduLength: 0, implementationClassUID: '', roles },
    }).subarray(6),
  ) as AssociateRequest
  t.equal(request.userInformation.roles?.length, 885)
  t.equal(encodeControlPdu(answer(request))[0], PduType.AssociateAccept)
})
