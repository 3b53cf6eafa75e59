import { introduction } from './introduction.ts'
import type { Audience } from './audience.ts'
import { RecordShow } from './show-records.ts'

/** Somebody at a terminal: where to send a study and where to look, then each record in a line. */
export function person(print: (text: string) => Promise<void>): Audience {
  const show = new RecordShow(print)
  return {
    async starting(config, site) {
      for (const line of introduction(config, site)) await print(line)
    },
    // The log on the same terminal tells of parts that die.
    happened: () => undefined,
    record(journal, record) {
      show.show(journal, record)
    },
    stopping: () => undefined,
    stopped() {
      show.flush()
      return Promise.resolve()
    },
  }
}
