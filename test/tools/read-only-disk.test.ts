import { existsSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../fixtures/peers.ts'
import { mayMount, readOnly } from '../fixtures/mounts.ts'
import { store } from '../organize/organized.ts'
import { Site } from '../stage/staged.ts'

const skip = mayMount()

t.test(
  'a filter on a read-only disk ends with 74 and makes no error record',
  { skip },
  async (t) => {
    const dataDir = t.testdir()
    const input = `{"type":"weather"}\n${JSON.stringify(store(dataDir))}\n`
    const command = `${readOnly(dataDir)} fiona-organize --data-dir '${dataDir}'`
    const { code, stdout, stderr } = await run('sh', ['-c', command], { input })
    t.equal(code, 74)
    t.equal(stdout, '{"type":"weather"}\n')
    t.match(stderr, /^error: a record cannot be handled now \(EROFS: mkdir\)\nhint: /)
  },
)

t.test(
  'a stage whose disk is read-only for a while does everything when it is back, and condemns nothing',
  { skip },
  async (t) => {
    const root = t.testdir({ disk: {} })
    const disk = join(root, 'disk')
    const site = new Site(root)
    const objects = [1, 2, 3].map((object) => store(disk, { object }))
    await site.append('a', objects)
    const isBack = join(root, 'is-back')
    const tool = `fiona-organize --data-dir '${disk}'`
    const stage = site.stage(
      `if [ -e '${isBack}' ]; then exec ${tool}; else exec ${readOnly(disk)} ${tool}; fi`,
    )
    // More often than records would need to come under suspicion.
    await stage.untilSaid('"failures":5,')
    writeFileSync(isBack, '')
    const made = await site.until('b', objects.length)
    await site.untilCommitted('a', 's')
    t.match(await stage.kill('SIGTERM'), { code: 0 })
    for (const [at, { views }] of made.entries()) {
      t.equal(
        realpathSync((views as string[])[0] ?? ''),
        realpathSync(String(objects[at]?.['path'])),
      )
    }
    t.same(existsSync(site.path('errors')) ? await site.records('errors') : [], [])
  },
)
