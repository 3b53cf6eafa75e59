import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { freePort, missingPydicom, run } from '../fixtures/peers.ts'
import { filesBelow } from './objects.ts'

/** Written down here anew, so that a slip in the demonstration's own list would show. */
const identities = [
  ['Yamada', 'Tarou', '山田', '太郎', 'やまだ', 'Suzuki', 'Hanako', '鈴木', 'Sato', 'Ichiro'],
  ['JP-4711-0815', '19580317', 'ACC20260042', 'Sakura Medical', 'Hanamachi', '0100-4711'],
  ['Hong', 'Gildong', '洪', '길동', 'KR-0099-3141', 'ACC20260043'],
].flat()

t.test(
  'the demonstration receives, de-identifies, delivers and holds, and ends well',
  { skip: missingPydicom() },
  async (t) => {
    const dataDir = join(t.testdir(), 'var')
    const port = String(await freePort())
    const { code, stdout, stderr } = await run('fiona', [
      'up',
      '--demo',
      '--data-dir',
      dataDir,
      '--port',
      port,
    ])
    t.equal(code, 0, stderr)
    t.match(stdout, /received 12 objects · 6 series/)
    t.match(stdout, /de-identified 9 objects · delivered 9 objects · held for review 1 study/)
    t.match(stdout, /identifying values .* none found/)

    const delivered = filesBelow(join(dataDir, 'delivered'))
    t.equal(delivered.length, 9)
    const { stdout: dump } = await run('/usr/bin/python3', ['-c', dumpScript, ...delivered], {
      env: { PYTHONIOENCODING: 'utf-8' },
    })
    t.ok(dump.split('\n').length > 9 * 20, 'pydicom reads them')
    const bytes = delivered.map((path) => `${path}\n${readFileSync(path, 'latin1')}`).join('\n')
    const behind = filesBelow(join(dataDir, 'journal'))
      .filter((path) => /\/(outbox|sent)\/.*\.ndjson$/.test(path))
      .map((path) => readFileSync(path, 'utf8'))
    for (const identity of identities) {
      t.notOk(dump.includes(identity), 'not in what pydicom shows')
      t.notOk(bytes.includes(Buffer.from(identity).toString('latin1')), 'not in the bytes')
      t.notOk(
        behind.some((text) => text.includes(identity)),
        'not in the journals behind the boundary',
      )
      t.notOk(stdout.includes(identity), 'not on the terminal')
      t.notOk(stderr.includes(identity), 'not in the logs')
    }
  },
)

const dumpScript = `
import sys, pydicom
for path in sys.argv[1:]:
    print(pydicom.dcmread(path))`
