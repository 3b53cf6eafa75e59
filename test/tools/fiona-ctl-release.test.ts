import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { run } from '../fixtures/peers.ts'
import { newDataDir } from './scp.ts'

t.test('an open study is released, also while nothing runs; others are refused', async (t) => {
  const folder = newDataDir(t)
  const config = join(folder, 'c.json')
  writeFileSync(config, JSON.stringify({ dataDir: 'data', arrival: { quietSeconds: 3600 } }))
  const env = { FIONA_CONFIG: config }
  const ctl = (...words: string[]) => run('fiona-ctl', words, { env })
  const stage = () =>
    run(
      'fiona-stage',
      [
        '--once',
        '--name',
        'organize',
        '--from',
        'received',
        '--to',
        'organized',
        '--',
        'fiona-arrive',
      ],
      { env },
    )
  t.match(await ctl('release'), { code: 64 })
  t.match(await ctl('release', '../x'), { code: 65, stderr: /UID/ })
  t.match(await ctl('release', '2.25.7'), { code: 65, stderr: /no study 2\.25\.7 is known/ })

  const file = join(folder, 'ct.dcm')
  writeFileSync(file, ctImage({ studyUID: '2.25.7', instanceNumber: 1 }))
  t.equal((await run('fiona-import', ['--journal', 'received', file], { env })).code, 0)
  t.equal((await stage()).code, 0)
  t.match(await run('fiona-arrive', ['--explain', '2.25.7'], { env }), {
    code: 0,
    stdout: /^open: 1 object in 1 series[^]*no object comes for 3600 s/,
  })
  const released = await ctl('release', '2.25.7')
  t.match(released, { code: 0, stdout: /as soon as fiona-arrive reads/ })
  t.equal((await stage()).code, 0)
  t.match(await run('fiona-arrive', ['--explain', '2.25.7'], { env }), {
    stdout: /^complete, revision 1: 1 object/,
  })
  const said = await run('fiona-journal', ['cat', 'organized', '--type', 'study'], { env })
  t.match(JSON.parse(said.stdout), { reason: 'released', revision: 1 })
  t.match(await ctl('release', '2.25.7'), { code: 65, stderr: /complete already \(revision 1\)/ })
})
