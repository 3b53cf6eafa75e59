import fc from 'fast-check'
import t from 'tap'
import { InOrder } from '../../src/lib/import/index.ts'

t.test(
  'whatever the jobs take, results come in order, and never more run than allowed',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 5 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        async (turns, limit) => {
          const results: number[] = []
          let running = 0
          const flow = new InOrder<number>(limit, async (result) => {
            results.push(result)
            running--
          })
          for (const [index, wait] of turns.entries()) {
            await flow.add(async () => {
              running++
              if (running > limit) throw new Error('too many at once')
              for (let turn = 0; turn < wait; turn++) await Promise.resolve()
              return index
            })
          }
          await flow.end()
          return results.length === turns.length && results.every((result, at) => result === at)
        },
      ),
    )
  },
)

t.test('a result is delivered though no further job comes', async (t) => {
  let delivered = (): void => undefined
  const isDelivered = new Promise<void>((resolve) => (delivered = resolve))
  const flow = new InOrder<number>(4, async () => delivered())
  await flow.add(() => 1)
  await t.resolves(isDelivered)
})

t.test('after a failure nothing more is delivered, and the adder hears of it', async (t) => {
  const delivered: number[] = []
  const flow = new InOrder<number>(1, async (result) => {
    delivered.push(result)
    if (result === 2) throw new Error('no space')
  })
  await flow.add(() => 1)
  await t.rejects(
    flow.add(() => 2),
    { message: 'no space' },
  )
  await t.rejects(
    flow.add(() => 3),
    { message: 'no space' },
  )
  await t.rejects(flow.end(), { message: 'no space' })
  t.same(delivered, [1, 2])
})

t.test('heavy jobs leave room for few, light ones for many', async (t) => {
  let open = 0
  let most = 0
  const flow = new InOrder<undefined>(8, async () => {
    open--
  })
  const job = async () => {
    most = Math.max(most, ++open)
    await new Promise((resolve) => setImmediate(resolve))
    return undefined
  }
  for (let n = 0; n < 20; n++) await flow.add(job, 4)
  await flow.end()
  t.equal(most, 2)
  for (let n = 0; n < 20; n++) await flow.add(job)
  await flow.end()
  t.equal(most, 8)
})
