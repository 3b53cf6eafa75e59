import t from 'tap'
import { readLine } from '../../src/lib/import/index.ts'

const line = (text: string | Buffer, base?: string) => readLine(Buffer.from(text), base)

t.test('a line is a path, a record, or what an original FIONA announced', (t) => {
  const rows: readonly [text: string, means: unknown][] = [
    ['/data/1.dcm', { path: '/data/1.dcm' }],
    ['/data/a,b,c,d,e', { path: '/data/a,b,c,d,e' }],
    ['/data/with blank ', { path: '/data/with blank ' }],
    ['\0/data/1.dcm\0', { path: '/data/1.dcm' }],
    ['"/data/a\\nb.dcm"', { path: '/data/a\nb.dcm' }],
    [
      '"CT 1",FIONA,,/data,MR.1',
      { path: '/data/MR.1', source: { callingAET: 'CT1', calledAET: 'FIONA', address: '0.0.0.0' } },
    ],
    [
      '{"type":"path","path":"/data/a.zip","member":"b","source":{"callingAET":"CT 1"}}',
      { path: '/data/a.zip', member: 'b', source: { callingAET: 'CT1' } },
    ],
    ['{"type":"study","x":1}', { record: { type: 'study', x: 1 } }],
    [
      'CT 1,"FIONA",10.0.0.1,/data/scp_1.2,MR.1.2.3',
      {
        path: '/data/scp_1.2/MR.1.2.3',
        source: { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.1' },
      },
    ],
    ['unknown,unknown,,/data/scp,MR.1', { path: '/data/scp/MR.1', source: { address: '0.0.0.0' } }],
  ]
  for (const [text, means] of rows) t.same(line(text), means, JSON.stringify(text))
  t.end()
})

t.test('an empty line, and one of white space or NUL bytes alone, says nothing', (t) => {
  for (const blank of ['', ' ', ' \t ', '\v\f\r', ' \0']) t.equal(line(blank, '/base'), undefined)
  t.equal(line('\0'), undefined)
  t.end()
})

t.test('relative paths need a place to begin', (t) => {
  t.same(line('x/../1.dcm', '/base'), { path: '/base/1.dcm' })
  t.same(line('"x.dcm', '/base'), { path: '/base/"x.dcm' })
  t.same(line('"x.dcm"', '/base'), { path: '/base/x.dcm' })
  t.same(line('a,b,c,d,e', '/base'), { path: '/base/a,b,c,d,e' })
  t.throws(() => line('1.dcm'), { code: 'E_PATH_RELATIVE' })
  t.end()
})

t.test('a path that is not UTF-8 keeps its bytes', (t) => {
  const bytes = Buffer.from([0x2f, 0xff, 0x31])
  t.same(line(bytes), { path: bytes })
  t.same(line(bytes.subarray(1), '/b'), { path: Buffer.from([0x2f, 0x62, 0x2f, 0xff, 0x31]) })
  t.end()
})

t.test('what looks like a record and is none is refused', (t) => {
  t.throws(() => line('{"type":"path","path":"x"}'), { code: 'E_RECORD_INVALID' })
  t.throws(() => line('{"type":"path","path":"/x","bytes":"eA=="}'), { code: 'E_RECORD_INVALID' })
  t.throws(() => line('{"type":"instance"'), { code: 'E_RECORD_PARSE' })
  t.throws(() => line('{"path":"/x"}'), { code: 'E_RECORD_INVALID' })
  t.throws(() => line('{"type":7}'), { code: 'E_RECORD_INVALID' })
  t.end()
})
