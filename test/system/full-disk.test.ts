import t from 'tap'
import { fillDisk, makeReadOnly, mayMount } from '../fixtures/mounts.ts'
import { missing } from '../fixtures/peers.ts'
import { goThrough, patienceMs } from './chain-on-a-disk.ts'

const skip = mayMount() || missing('storescp')
const timeout = 3 * patienceMs

t.test(
  'the disk fills again and again: nothing acknowledged is lost, and the chain goes on by itself',
  { skip, timeout },
  async (t) => {
    const { problems } = await goThrough(t, ({ dataDir }) => fillDisk(dataDir))
    // What was torn and never promised is kept aside on purpose, for a person to see.
    t.same(
      problems.filter((problem) => !problem.endsWith('/fiona-arrive/organize/log.broken')),
      [],
    )
  },
)

t.test(
  'the data directory becomes read-only again and again: nothing acknowledged is lost, and the chain goes on by itself',
  { skip, timeout },
  async (t) => {
    const { problems } = await goThrough(t, ({ dataDir }) => makeReadOnly(dataDir))
    t.same(problems, [])
  },
)
