import t from 'tap'
import { withoutMarks } from '../../src/lib/stage/without-marks.ts'

t.test('marks in a journal are left out, however they are written', (t) => {
  const kept = '{"type":"instance","text":"a \\"mark\\" and \\u001b$B"}\n{"type":"markup"}\nmark\n'
  for (const mark of [
    '{"type":"mark","seq":99}',
    '{"seq":99,"type":"mark"}',
    '{ "type" : "mark" }',
    '{"type":"m\\u0061rk","seq":99}',
    '{"type":"instance","type":"mark","seq":99}',
    '{"type":"mark","seq":99,"type":"instance"}',
  ]) {
    const { lines, dropped } = withoutMarks(Buffer.from(`${kept}${mark}\n${kept}`))
    t.equal(lines.toString(), kept + kept, mark)
    t.equal(dropped, 1)
  }
  t.end()
})

t.test('lines without a trace of one are passed on as they are, without a copy', (t) => {
  const lines = Buffer.from('{"type":"instance"}\n\n{"type":"study"}\n')
  t.equal(withoutMarks(lines).lines, lines)
  t.end()
})
