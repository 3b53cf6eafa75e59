import t from 'tap'
import { BufferSource } from '../../src/lib/dicom/byte-source.ts'
import { implicitLittleEndian, isItemExplicit } from '../../src/lib/dicom/item-encoding.ts'

const explicit = { littleEndian: true, explicitVR: true }
const implicit = { littleEndian: true, explicitVR: false }

function isExplicit(hex: string, encoding: typeof explicit): boolean {
  const source = new BufferSource(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  return isItemExplicit(source, encoding, 0, source.size)
}

t.test('in an explicit VR file an item without letters is implicit', async (t) => {
  t.ok(isExplicit('10002000 4c4f 0200 4142', explicit))
  t.notOk(isExplicit('10002000 02000000 4142', explicit))
})

t.test('inside UN letters make an item explicit, unless they are a length that fits', async (t) => {
  t.ok(isExplicit('10002000 4c4f 0200 4142', implicitLittleEndian))
  t.notOk(isExplicit('10002000 02000000 4142', implicitLittleEndian))
  const length = 0x4f4c
  const fits = `10002000 4c4f0000 ${'20'.repeat(length)}`
  t.notOk(isExplicit(fits, implicitLittleEndian))
  t.ok(isExplicit(fits.slice(0, -2), implicitLittleEndian))
  t.notOk(isExplicit('10002000 5858 0200 4142', implicitLittleEndian), 'no VR that we know')
})

t.test('an implicit VR file has no other items; an empty one shows nothing', async (t) => {
  t.notOk(isExplicit('10002000 4c4f 0200 4142', implicit))
  t.ok(isExplicit('', explicit))
  t.notOk(isExplicit('', implicitLittleEndian))
  t.ok(isExplicit('feff0de0 00000000', explicit), 'its delimiter')
})
