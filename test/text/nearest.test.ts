import t from 'tap'
import { nearest } from '../../src/lib/text/index.ts'

t.test('a slip of the hand finds the name that was meant', async (t) => {
  const known = ['port', 'aeTitle', 'promiscuous', 'quiet-seconds']
  t.equal(nearest('prot', known), 'port')
  t.equal(nearest('PORT', known), 'port')
  t.equal(nearest('quiet-second', known), 'quiet-seconds')
  t.equal(nearest('promiscous', known), 'promiscuous')
})

t.test('what is like nothing known gets no advice', async (t) => {
  t.equal(nearest('elephant', ['port', 'aeTitle']), undefined)
  t.equal(nearest('x', []), undefined)
  t.equal(nearest('', ['port']), undefined)
})
