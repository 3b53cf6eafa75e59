import t from 'tap'
import { StudyTable, type Finding } from '../../src/lib/reconcile/index.ts'
import { displayWidth } from '../../src/lib/text/index.ts'

const of = (project: string, StudyInstanceUID: string, found: Finding['found']): Finding => ({
  ...{ type: 'reconcile', v: 1, time: '', project, StudyInstanceUID, found },
  path: '/p',
})

t.test('a line a study, within the terminal, with nothing that one would obey', async (t) => {
  for (const columns of [80, 120, 40]) {
    const table = new StudyTable(columns)
    const long = `2.25.${'1'.repeat(59)}`
    const lines = [
      of('A', '2.25.1', 'unrecorded'),
      of('A', '2.25.1', 'unrecorded'),
      of('A', '2.25.1', 'unseen'),
      of('A\u001b[2J\u202e', long, 'gone'),
    ].flatMap((finding) => table.add(finding))
    lines.push(...table.end())
    t.equal(lines.length, 3)
    t.match(lines[0], /^PROJECT +STUDY +NO RECORD +NO VIEWS +FILE GONE +FOREIGN$/)
    t.match(lines[1], /^A +2\.25\.1 +2 +1$/)
    t.match(lines[2], / 1$/)
    t.ok(
      lines.every((line) => displayWidth(line) <= Math.max(columns, 67)),
      lines.join('\n'),
    )
    t.notMatch(lines.join(''), /[\u001b\u202e]/)
    t.same(table.end(), [])
  }
})
