import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PseudoTerminal } from '../fixtures/pseudo-terminal.ts'
import { run as runCommand } from '../fixtures/peers.ts'
import { lines, received, segment, site, storedNow, study } from '../reconcile/site.ts'
import { env, run, tool } from './import-site.ts'
import { viewsIn } from './organize-tool.ts'

const settled = ['--settle-seconds', '0']
const kinds = (records: readonly Record<string, unknown>[]) =>
  records.map((record) => record['found'] ?? record['code'])

t.test('told without --mend, with exit code 1; mended with it; then all is well', async (t) => {
  const dataDir = await site(t as never, 3)
  const before = viewsIn(dataDir)
  rmSync(segment(dataDir, 1))
  rmSync(join(dataDir, 'EVEN/raw'), { recursive: true })
  const here = ['--reconcile', '--data-dir', dataDir, ...settled]

  const told = await run(here)
  t.equal(told.code, 1)
  t.match(told.stderr, /nothing was changed/)
  t.strictSame(kinds(told.records).sort(), [
    ...['unrecorded', 'unrecorded', 'unrecorded', 'unseen', 'unseen', 'unseen'],
  ])
  const one = await run([...here, study(1), '--mend'])
  t.match(one, { code: 0, records: [{ found: 'unrecorded', mended: true }, {}, {}] })
  t.equal(one.records.length, 3)
  t.match(await run([...here, '--project', 'EVEN', '--mend']), { code: 0, records: [{}, {}, {}] })
  t.match(await run(here), { code: 0, records: [] })
  t.equal(received(dataDir).length, 9)
  t.same(viewsIn(dataDir), before)

  rmSync(String(received(dataDir)[0]?.['path']))
  const left = await run([...here, '--mend'])
  t.match(left, { code: 1, records: [{ found: 'gone' }] }, 'what nobody can mend')
})

t.test('killed in the middle and run again, each object has one record', async (t) => {
  const dataDir = await site(t as never, 1)
  const all = 400
  for (let object = 4; object <= all; object++) storedNow(dataDir, 1, object)
  const args = ['--reconcile', '--mend', '--data-dir', dataDir, ...settled]
  for (const point of ['journal.written:2', 'organize.linked:9', 'journal.synced:1']) {
    const killed = await runCommand(tool, args, { env: { ...env, FIONA_FAULT_POINT: point } })
    t.equal(killed.code, null, `killed at ${point}`)
  }
  t.ok(received(dataDir).length < all, 'it was in the middle')
  t.match(await run(args), { code: 0 })
  const paths = received(dataDir).map(({ path }) => path)
  t.equal(paths.length, all)
  t.equal(new Set(paths).size, all)
})

t.test('on a terminal a table within its width, hostile names and all', async (t) => {
  const dataDir = await site(t as never, 2)
  rmSync(segment(dataDir, 2))
  const hostile = storedNow(dataDir, 5, 1)
  const evil = `/x/%1B%5B2J/archive/${study(8)}/${study(8)}.1/${study(8)}.1.1.dcm`
  writeFileSync(segment(dataDir, 9), lines([hostile, { type: 'instance', path: evil }]))
  const window = { rows: 24, columns: 80 }
  const words = ['fiona-import', '--reconcile', '--data-dir', dataDir, ...settled]
  const terminal = new PseudoTerminal(window, words, { ...env, FIONA_LOG_LEVEL: 'error' })
  t.equal(await terminal.ended(), 1)
  t.match(terminal.text, /PROJECT +STUDY +NO RECORD +NO VIEWS +FILE GONE +FOREIGN\n/)
  t.match(terminal.text, /\n␛\[2J +2\.25\.8 +1\n/)
  t.match(terminal.text, /\nEVEN +2\.25\.2 +3\n/)
  t.match(terminal.text, /\nODD +2\.25\.5 +1\n/)
  t.match(terminal.text, /7 objects: 3 without a record, 1 not in the views, 1 records/)
  t.match(terminal.text, /nothing was changed; --mend mends it/)
})

t.test('what means nothing to it is refused', async (t) => {
  const dataDir = await site(t as never, 1)
  const refused = [
    ['--reconcile', '--move'],
    ['--reconcile', '--in-place'],
    ['--reconcile', '--watch', '/in'],
    ['--reconcile', '../../etc'],
    ['--reconcile', '--project', '../x'],
    ['--mend', '/in'],
    ['--json', '/in'],
  ]
  for (const words of refused) {
    t.equal((await run([...words, '--data-dir', dataDir])).code, 64, words.join(' '))
  }
  const nobody = await run(['--reconcile', study(99), '--data-dir', dataDir])
  t.match(nobody, { code: 65, stderr: /no archive holds an object of these studies/ })
  const slip = await run(['--reconcile', '--mend', '--journal', 'recieved', '--data-dir', dataDir])
  t.match(slip, { code: 65, stderr: /there is no journal/ })
  const nowhere = await run(['--reconcile', '--data-dir', join(dataDir, 'nowhere')])
  t.match(nowhere, { code: 65, stderr: /no data directory/ })
})
