import fc from 'fast-check'
import t from 'tap'
import { nextFreeName } from '../../src/lib/crosswalk/next-free-name.ts'

const most = 40
const name = (n: number) => (n <= most ? `S${String(n)}` : undefined)

async function next(given: ReadonlySet<number>, from = 1): Promise<{ n: number; looks: number }> {
  let looks = 0
  const n = await nextFreeName(from, name, async (participant) => {
    looks += 1
    return given.has(Number(participant.slice(1)))
  })
  return { n, looks }
}
const first = (count: number) => new Set(Array.from({ length: count }, (_, at) => at + 1))

t.test('names that were given in order are gone through in few steps', async (t) => {
  for (let count = 0; count <= most; count += 1) t.equal((await next(first(count))).n, count + 1)
  const { n, looks } = await next(first(32))
  t.equal(n, 33)
  t.ok(looks <= 12, `${String(looks)} looks`)
  t.same(await next(first(32), 33), { n: 33, looks: 1 }, 'who knows where it was looks once')
})

t.test(
  'whatever is given, the name is nobody’s; there is none only when all are given',
  async () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: most }), { maxLength: most })
    await fc.assert(
      fc.asyncProperty(numbers, async (list) => {
        const given = new Set(list)
        const { n } = await next(given)
        return given.size === most ? n === most + 1 : n >= 1 && n <= most && !given.has(n)
      }),
    )
  },
)
