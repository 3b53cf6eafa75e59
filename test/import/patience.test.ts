import pino from 'pino'
import t from 'tap'
import { FionaError } from '../../src/lib/error/index.ts'
import { patience } from '../../src/lib/import/index.ts'

const log = pino({ level: 'silent' })
const never = new AbortController().signal
const errno = (code: string) => Object.assign(new Error(code), { code })

t.test('work that the disk prevents is tried again until it is done', async (t) => {
  const troubles = [errno('ENOSPC'), new FionaError('E_DISK_FULL', 'below the reserve')]
  const done = await patience(
    log,
    never,
    1,
  )(async () => {
    const trouble = troubles.shift()
    if (trouble !== undefined) throw trouble
    return 'stored'
  })
  t.equal(done, 'stored')
})

t.test('what is the object’s own fault is not tried again', async (t) => {
  let tries = 0
  const work = async () => {
    tries++
    throw new FionaError('E_DICOM_PARSE', 'damaged')
  }
  await t.rejects(patience(log, never, 1)(work), { code: 'E_DICOM_PARSE' })
  t.equal(tries, 1)
})

t.test('after the signal nobody waits', async (t) => {
  const stop = new AbortController()
  const work = async () => {
    stop.abort()
    throw errno('ENOSPC')
  }
  await t.rejects(patience(log, stop.signal, 1_000_000)(work), { code: 'ENOSPC' })
})
