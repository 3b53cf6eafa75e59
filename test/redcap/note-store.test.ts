import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { HeldRecord } from '../../src/lib/record/index.ts'
import { NoteStore } from '../../src/lib/redcap/note-store.ts'
import { noteHeld } from '../../src/lib/redcap/study-note.ts'
import { temporary } from './served.ts'
import { serveSite, startSource, study } from './sourced.ts'

const signal = new AbortController().signal
const filesBelow = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

t.test('what REDCap has, and nobody has spoken of for long, is forgotten', async (t) => {
  const directory = temporary()
  const store = await NoteStore.open(directory)
  const held: HeldRecord = { type: 'held', requestId: 'x', reasons: [], how: '' }
  for (const uid of ['1.1', '1.2', '1.3']) {
    await store.change(uid, (note) => noteHeld(note, { ...held, time: '2026-01-02T12:00:00.000Z' }))
    await store.keepRequest(`r${uid}`, uid)
    if (uid !== '1.2') await store.written(uid, 1, (note) => note)
  }
  const long = new Date('2001-01-02T12:00:00Z')
  const all = ['notes', 'requests'].flatMap((name) => filesBelow(join(directory, name)))
  t.equal(all.length, 6)
  for (const path of all) utimesSync(path, long, long)
  // Spoken of again: its request, and a study that came once more.
  await store.keepRequest('r1.3', '1.3')
  await store.change('1.3', (note) => noteHeld(note, { ...held, time: '2026-02-02T12:00:00.000Z' }))
  await store.written('1.3', 1, (note) => note)
  t.equal(await store.prune(Date.parse('2001-01-03'), signal), 1)
  t.equal((await store.read('1.1')).held, undefined, 'forgotten')
  t.ok((await store.read('1.2')).held, 'REDCap does not have it yet')
  t.ok((await store.read('1.3')).held, 'in use')
  t.equal(await store.studyOf('r1.1'), undefined)
  t.equal(await store.studyOf('r1.3'), '1.3')
})

t.test('a study that comes again after its note was forgotten arrived when it did', async (t) => {
  const site = await serveSite(t)
  site.incoming.put('1.2.3', { study_arrival_date: '2025-01-01 08:00', study_description: 'old' })
  const { source, until } = await startSource(t, site)
  source.studySeen(study('1.2.3', { revision: 2 }))
  await source.sync()
  await until(() => source.waiting === 0)
  t.match(site.incoming.row('1.2.3'), {
    study_arrival_date: '2025-01-01 08:00',
    study_description: 'MR Head',
  })
})
