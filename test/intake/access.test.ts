import t from 'tap'
import { Access } from '../../src/lib/intake/index.ts'
import { associateRequest } from '../dimse/peer.ts'

const open = { aeTitle: 'FIONA', promiscuous: true, allow: [], maxAssociations: 2 }
const refusal = (
  options: Partial<ConstructorParameters<typeof Access>[0]>,
  changes: Parameters<typeof associateRequest>[0] = {},
  address = '10.1.2.3',
  associations = 0,
  ofAddress = associations,
) => {
  const found = new Access({ ...open, ...options }).refusal(associateRequest(changes), address, {
    associations,
    ofAddress,
  })
  return found === undefined ? 'accepted' : [found.result, found.source, found.reason]
}

t.test('whoever keeps to the protocol is let in', (t) => {
  t.equal(refusal({}), 'accepted')
  t.equal(refusal({}, { calledAETitle: '; rm -rf /' }), 'accepted', 'a title is only text')
  t.end()
})

t.test('each refusal has its result, source and reason of PS3.8 table 9-21', (t) => {
  t.same(refusal({}, { protocolVersion: 2 }), [1, 2, 2], 'another protocol version')
  t.same(refusal({}, { applicationContext: '1.2.3' }), [1, 1, 2], 'another application')
  t.same(refusal({}, { callingAETitle: 'A\nB' }), [1, 1, 3], 'a line break in the calling title')
  t.same(refusal({}, { callingAETitle: '' }), [1, 1, 3], 'no calling title')
  t.same(refusal({}, { calledAETitle: 'A\\B' }), [1, 1, 7], 'a backslash in the called title')
  t.same(refusal({}, { calledAETitle: 'A\u0085B' }), [1, 1, 7], 'a control beyond ASCII')
  t.same(refusal({ promiscuous: false }, { calledAETitle: 'OTHER' }), [1, 1, 7], 'not ours')
  t.equal(refusal({ promiscuous: false }), 'accepted', 'ours')
  t.same(refusal({}, {}, '10.1.2.3', 2), [2, 3, 2], 'too many: that passes')
  const one = { maxAssociations: 9, maxAssociationsPerAddress: 2 }
  t.same(refusal(one, {}, '10.1.2.3', 5, 2), [2, 3, 2], 'too many of one address')
  t.equal(refusal(one, {}, '10.1.2.3', 5, 1), 'accepted', 'of others there may be more')
  t.end()
})

t.test('without a limit of its own, one address may have all: a site may have one sender', (t) => {
  t.equal(refusal({ maxAssociations: 4 }, {}, '10.1.2.3', 3), 'accepted')
  t.same(refusal({ maxAssociations: 4 }, {}, '10.1.2.3', 4), [2, 3, 2])
  t.end()
})

t.test('a list lets in only who is on it, by title, address or both', (t) => {
  const both = { allow: [{ callingAET: 'PEER', address: '10.1.0.0/16' }] }
  t.equal(refusal(both), 'accepted')
  t.same(refusal(both, { callingAETitle: 'OTHER' }), [1, 1, 3])
  t.same(refusal(both, {}, '10.2.0.1'), [1, 1, 3])
  t.same(refusal(both, {}, ''), [1, 1, 3], 'an address that is not known')
  t.equal(refusal({ allow: [{ address: '10.1.2.3' }] }), 'accepted', 'one address')
  t.equal(refusal({ allow: [{ callingAET: 'PEER' }] }, {}, '::1'), 'accepted', 'a title alone')
  const six = { allow: [{ address: '2001:db8::/32' }] }
  t.equal(refusal(six, {}, '2001:db8::5'), 'accepted')
  t.same(refusal(six, {}, '2001:db9::5'), [1, 1, 3])
  const two = { allow: [{ callingAET: 'X' }, { address: '10.0.0.0/8' }] }
  t.equal(refusal(two), 'accepted', 'one of several')
  t.same(refusal(both, {}, '10.2.0.1', 2), [1, 1, 3], 'a stranger does not learn that we are full')
  t.end()
})

t.test('an address that is none ends it at the start', (t) => {
  for (const address of ['scanner1', '10.1.0.0/33', '10.1.0.0/', '10.1.0.0/8/8', '']) {
    t.throws(() => new Access({ ...open, allow: [{ address }] }), {
      code: 'E_CONFIG',
      exitCode: 78,
    })
  }
  t.end()
})
