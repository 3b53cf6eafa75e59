import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { journalPath } from '../../src/lib/journal/index.ts'
import { watchJournals } from '../../src/lib/supervise/index.ts'

t.test('records are told as they come; what is no record disturbs nobody', async (t) => {
  const dataDir = t.testdir()
  const journal = journalPath(dataDir, 'received')
  mkdirSync(journal, { recursive: true })
  const segment = join(journal, '20260101T000000000Z-w-00000000-000001.ndjson')
  appendFileSync(segment, '{"type":"before"}\n')
  const controller = new AbortController()
  const seen: string[] = []
  const done = new Promise<void>((resolve) => {
    void watchJournals(dataDir, ['received'], controller.signal, (name, { type }) => {
      seen.push(`${name} ${type}`)
      if (type === 'last') resolve()
    })
  })
  // What is there when watching begins is not told: wait until it has begun.
  const more = setInterval(() => {
    appendFileSync(
      segment,
      'no JSON\nnull\n7\n{"no":"type"}\n{"type":"instance"}\n{"type":"last"}\n',
    )
  }, 50)
  await done
  clearInterval(more)
  controller.abort()
  t.same(seen.slice(0, 2), ['received instance', 'received last'])
})
