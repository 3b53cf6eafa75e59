import t from 'tap'
import { chooseSyntax, isStorageClass } from '../../src/lib/receive/index.ts'

t.test('storage classes are taken, and of others only private ones', (t) => {
  const CT = '1.2.840.10008.5.1.4.1.1.2'
  const GE = '1.2.840.113619.4.26'
  t.ok(isStorageClass(CT, false))
  t.ok(isStorageClass('1.2.840.10008.5.1.4.34.7', false), 'outside of the usual root')
  t.notOk(isStorageClass(GE, false))
  t.ok(isStorageClass(GE, true))
  t.notOk(isStorageClass('1.2.840.10008.5.1.4.31', true), 'a worklist cannot be stored')
  t.end()
})

t.test('the first proposed transfer syntax is taken, whatever it is', (t) => {
  const choose = chooseSyntax(true)
  const CT = '1.2.840.10008.5.1.4.1.1.2'
  t.same(choose(CT, ['1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2']), {
    transferSyntax: '1.2.840.10008.1.2.4.90',
  })
  t.same(choose(CT, ['1.3.46.670589.33.1.4.1']), { transferSyntax: '1.3.46.670589.33.1.4.1' })
  t.same(choose(CT, ['../x', '1.2.840.10008.1.2']), { transferSyntax: '1.2.840.10008.1.2' })
  t.equal(choose(CT, []), 'transferSyntaxesNotSupported')
  t.equal(choose('../../etc/passwd', ['1.2.840.10008.1.2']), 'abstractSyntaxNotSupported')
  t.equal(choose('1.2.840.10008.5.1.4.31', ['1.2.840.10008.1.2']), 'abstractSyntaxNotSupported')
  t.same(choose('1.2.840.10008.1.1', ['1.2.840.10008.1.2']), {
    transferSyntax: '1.2.840.10008.1.2',
  })
  t.end()
})
