// A process that delivers a study on paper, says which objects it has noted, and ends the delivery: to be killed in it.
import { DiskLedgers } from '../../../src/lib/deliver/ledger/disk-ledgers.ts'
import { endOf, entry } from './ledger-entries.ts'

const [directory = '', from = '', to = ''] = process.argv.slice(2)
const ledgers = new DiskLedgers(directory)
const ledger = await ledgers.open('u', 'r')
for (let number = Number(from); number < Number(to); number++) {
  ledger.add(entry(`n${String(number)}`))
  process.stdout.write(`n${String(number)}\n`)
}
await ledger.sync()
await ledger.close()
await ledgers.ended(endOf('r'))
