import fc from 'fast-check'
import t from 'tap'
import { maxLineBytes, type AnyRecord } from '../../src/lib/record/index.ts'
import { OutputSorter, type Piece } from '../../src/lib/stage/sort-output.ts'

const sorter = () =>
  new OutputSorter({ stage: 'organize', diverted: new Set<'error' | 'held'>(['error', 'held']) })
const lines = (pieces: readonly Piece[], to: string) =>
  pieces
    .flatMap((piece) => ('lines' in piece && piece.to === to ? [piece.lines.toString()] : []))
    .join('')
const records = (pieces: readonly Piece[], to: string) =>
  lines(pieces, to)
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AnyRecord)

t.test('marks are taken out, between the lines where they stood', (t) => {
  const pieces = sorter().push(
    Buffer.from('{"type":"a"}\n{"type":"mark","seq":7}\n{"type":"b"}\n{"seq":8,"type":"mark"}\n'),
  )
  t.same(
    pieces.map((piece) => ('mark' in piece ? piece.mark : piece.lines.toString())),
    ['{"type":"a"}\n', 7, '{"type":"b"}\n', 8],
  )
  t.end()
})

t.test('errors and held records leave the main way, errors with the stage', (t) => {
  const pieces = sorter().push(
    Buffer.from(
      '{"type":"error","tool":"x","code":"E_X"}\n{"type":"held","requestId":"r"}\n{"v":1,"type":"error"}\n',
    ),
  )
  t.same(records(pieces, 'errors'), [
    { type: 'error', tool: 'x', code: 'E_X', stage: 'organize' },
    { v: 1, type: 'error', stage: 'organize' },
  ])
  t.equal(lines(pieces, 'held'), '{"type":"held","requestId":"r"}\n')
  t.equal(lines(pieces, 'to'), '')
  t.end()
})

t.test('they stay where the stage itself works on them', (t) => {
  const pieces = new OutputSorter({ stage: 's', diverted: new Set() }).push(
    Buffer.from('{"type":"error"}\n{"type":"held"}\n'),
  )
  t.equal(lines(pieces, 'to'), '{"type":"error"}\n{"type":"held"}\n')
  t.end()
})

t.test('a line that is no record becomes an error record', (t) => {
  for (const stray of ['hello', '[1]', '{"type":5}', '{"type":"mark"', 'null']) {
    const pieces = sorter().push(Buffer.from(`{"type":"a"}\n${stray}\n{"type":"b"}\n`))
    t.equal(lines(pieces, 'to'), '{"type":"a"}\n{"type":"b"}\n')
    t.match(records(pieces, 'errors'), [
      { type: 'error', tool: 'fiona-stage', code: 'E_STAGE_OUTPUT', record: stray },
    ])
  }
  t.end()
})

t.test('lines with other ends, empty ones and records in another layout come out as lines', (t) => {
  const pieces = sorter().push(
    Buffer.from(
      '{"type":"a"}\r\n\n\r\n{ "v": 1, "type": "b" }\n{"type":"c"}\n{"type":"m\\u0061rk","seq":3}\n{"type":"}\n',
    ),
  )
  t.equal(lines(pieces, 'to'), '{"type":"a"}\n{ "v": 1, "type": "b" }\n{"type":"c"}\n')
  t.same(
    pieces.flatMap((piece) => ('mark' in piece ? [piece.mark] : [])),
    [3],
  )
  t.match(records(pieces, 'errors'), [{ code: 'E_STAGE_OUTPUT', record: '{"type":"}' }])
  t.end()
})

t.test('a line longer than any may be is told, however it comes', (t) => {
  const long = `{"type":"a","x":"${'x'.repeat(maxLineBytes)}"}\n`
  const text = Buffer.from(`{"type":"b"}\n${long}{"type":"c"}\n`)
  for (const size of [text.length, 1 << 20]) {
    const one = sorter()
    const pieces: Piece[] = []
    for (let at = 0; at < text.length; at += size) {
      pieces.push(...one.push(Buffer.from(text.subarray(at, at + size))))
    }
    t.equal(lines(pieces, 'to'), '{"type":"b"}\n{"type":"c"}\n')
    t.match(records(pieces, 'errors'), [{ code: 'E_LINE_TOO_LONG', record: null }])
  }
  t.end()
})

t.test('half a line counts only when the pipeline has ended well', (t) => {
  const one = sorter()
  t.same(one.push(Buffer.from('{"type":"a"}\n{"type":')), [
    { to: 'to', lines: Buffer.from('{"type":"a"}\n') },
  ])
  t.same(one.push(Buffer.from('"b"}')), [])
  t.equal(lines(one.end(), 'to'), '{"type":"b"}\n')
  t.end()
})

t.test('however the pipe cuts the bytes, the same lines come out', (t) => {
  const text = Array.from({ length: 30 }, (_, n) =>
    n % 7 === 3 ? `{"type":"mark","seq":${n}}\n` : `{"type":"t","n":${n},"s":"äöü"}\n`,
  ).join('')
  const whole = sorter().push(Buffer.from(text))
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 }), (cuts) => {
      const one = sorter()
      const bytes = Buffer.from(text)
      const pieces: Piece[] = []
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        pieces.push(...one.push(Buffer.from(bytes.subarray(at, at + cut))))
        at += cut
      }
      t.equal(lines(pieces, 'to'), lines(whole, 'to'))
      t.same(
        pieces.flatMap((piece) => ('mark' in piece ? [piece.mark] : [])),
        [3, 10, 17, 24],
      )
    }),
    { numRuns: 50 },
  )
  t.end()
})
