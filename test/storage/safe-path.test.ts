import fc from 'fast-check'
import t from 'tap'
import { inside, safeComponent } from '../../src/lib/storage/index.ts'

t.test('any text becomes one harmless path component', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const name = safeComponent(text)
      return (
        name !== '' &&
        name !== '.' &&
        name !== '..' &&
        !name.includes('/') &&
        !name.includes('\0') &&
        Buffer.byteLength(name) <= 210 &&
        inside('/root', name).startsWith('/root/')
      )
    }),
  )
  t.pass('held for every text tried')
})

t.test('a component reads back as it was', async (t) => {
  for (const text of ['../../x', 'a/b', 'Yamada^Tarou=山田^太郎', 'x\ny', '-rf', ' lead', '100%']) {
    t.equal(decodeURIComponent(safeComponent(text)), text.normalize('NFC'))
  }
})

t.test('different names stay different', async (t) => {
  t.not(safeComponent('a/b'), safeComponent('a%2Fb'))
  t.not(safeComponent(''), safeComponent('%'))
})

t.test('a path that would leave its root is refused', async (t) => {
  for (const parts of [['..', 'x'], ['/etc/passwd'], ['a', '..', '..', 'b'], ['.'], ['x\0y']]) {
    t.throws(() => inside('/data/root', ...parts), { code: 'E_PATH_ESCAPE' })
  }
  t.equal(inside('/data/root', 'a', 'b'), '/data/root/a/b')
})
