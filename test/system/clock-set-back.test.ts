import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { mayMount } from '../fixtures/mounts.ts'
import { missing } from '../fixtures/peers.ts'
import { goThrough, patienceMs } from './chain-on-a-disk.ts'

/** Of the package faketime. */
const library = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path))
const skip = library === undefined ? 'faketime is not installed' : mayMount() || missing('storescp')

t.test(
  'the clock is set back an hour again and again: nothing is lost, nothing waits for it to come round again',
  { skip, timeout: 3 * patienceMs },
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'fiona-clock-'))
    t.teardown(() => {
      rmSync(root, { recursive: true })
    })
    const clock = join(root, 'clock')
    const set = (offset: string): void => {
      writeFileSync(clock, `${offset}\n`)
    }
    set('+0')
    const { problems, arrivals } = await goThrough(
      t,
      () => {
        set('-1h')
        return () => {
          set('+0')
        }
      },
      {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_CACHE_DURATION: '1',
        // The monotonic clock is nobody's to set.
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    )
    // The PACS has another clock, so its times cannot be compared with ours; its arrivals can be counted.
    t.same(
      problems.filter((problem) => !problem.startsWith('sent again after it was acknowledged')),
      [],
    )
    const objects = arrivals.map(({ SOPInstanceUID }) => SOPInstanceUID)
    t.equal(new Set(objects).size, objects.length, 'nothing was sent twice')
  },
)
