import { once } from 'node:events'
import { pino } from 'pino'
import t from 'tap'
import type { Carrier } from '../../../src/lib/deliver/carrier.ts'
import { Delivery } from '../../../src/lib/deliver/delivery.ts'
import { Lane } from '../../../src/lib/deliver/lane/lane.ts'
import { MemoryLedgers } from '../../../src/lib/deliver/ledger/ledger.ts'
import type { AnyRecord, DeidentifiedRecord } from '../../../src/lib/record/index.ts'
import { destinationAt } from '../carriers/waybill.ts'
import { makeStudy } from '../studies.ts'

const digest = 'a'.repeat(64)

t.test(
  'a window that closes in the middle: the object in hand is finished, the rest waits',
  async (t) => {
    let time = new Date(2026, 0, 2, 7, 59, 59, 800)
    const halt = new AbortController()
    const closed = new AbortController()
    const carrier: Carrier = {
      async carry(objects, waybill) {
        for (const object of objects) {
          if (waybill.stopping.aborted) break
          if (waybill.before(object) !== undefined) throw new Error('sent twice')
          const isSecond = object.name.endsWith('.2.dcm')
          if (isSecond) {
            // It is on its way when the window closes.
            await once(waybill.stopping, 'abort')
            time = new Date(2026, 0, 2, 8, 0, 0, 10)
            closed.abort()
          }
          waybill.arrived(object, digest)
        }
      },
      rest: async () => undefined,
    }
    const destination = destinationAt('file:/nowhere', { window: '20:00-08:00' })
    const study = makeStudy({ objects: 4 })
    const tools = { ledgers: new MemoryLedgers(), carrier, now: () => performance.now() }
    const record = study.record as DeidentifiedRecord & AnyRecord
    const delivery = new Delivery(record, destination, tools)
    const ended: string[] = []
    const lane = new Lane({
      destination,
      log: pino({ enabled: false }),
      now: () => performance.now(),
      clock: () => time,
      halt: { stopping: halt.signal, stopped: halt.signal },
      rest: () => carrier.rest(),
      ended: async (key) => void ended.push(key),
      broken: (error) => {
        throw error
      },
    })
    lane.push('study', delivery)
    await once(closed.signal, 'abort')
    await lane.drained()
    t.equal(delivery.outcome.sent, 2)
    t.equal(lane.size, 1)
    t.equal(lane.report().windowUntil, new Date(2026, 0, 2, 20, 0).toISOString())
    t.same(ended, [])
    // In the evening it goes on, with what is missing.
    time = new Date(2026, 0, 2, 20, 0, 1)
    lane.look()
    await lane.idle()
    t.same(ended, ['study'])
    t.match(delivery.outcome, { sent: 4, failures: [], error: undefined })
  },
)

t.test('the same delivery, pushed again while it waits, is one', async (t) => {
  const halt = new AbortController()
  const carrier: Carrier = {
    async carry(objects, waybill) {
      for (const object of objects) waybill.arrived(object, digest)
    },
    rest: async () => undefined,
  }
  const destination = destinationAt('file:/nowhere')
  const tools = { ledgers: new MemoryLedgers(), carrier, now: () => performance.now() }
  const { record } = makeStudy({ objects: 1 })
  const ended: string[] = []
  let isHeld = true
  const lane = new Lane({
    destination,
    log: pino({ enabled: false }),
    now: () => performance.now(),
    clock: () => new Date(),
    halt: { stopping: halt.signal, stopped: halt.signal },
    rest: () => carrier.rest(),
    ended: async (key) => void ended.push(key),
    broken: (error) => {
      throw error
    },
    isHeld: () => isHeld,
  })
  const deliveryOf = () =>
    new Delivery(record as DeidentifiedRecord & AnyRecord, destination, tools)
  lane.push('a', deliveryOf())
  lane.push('b', deliveryOf())
  lane.push('a', deliveryOf())
  t.equal(lane.size, 2)
  isHeld = false
  lane.look()
  await lane.idle()
  t.same(ended, ['b', 'a'])
})
