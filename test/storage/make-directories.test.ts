import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeDirectories } from '../../src/lib/storage/index.ts'

t.test('makes what is missing, and is content with what is there', async (t) => {
  const root = t.testdir()
  const path = join(root, 'a/b/c')
  await Promise.all([makeDirectories(path), makeDirectories(path, { mode: 0o700 })])
  await makeDirectories(path)
  t.ok(statSync(path).isDirectory())
  mkdirSync(join(root, 'real'))
  symlinkSync('real', join(root, 'link'))
  await makeDirectories(join(root, 'link/x'))
  t.ok(statSync(join(root, 'real/x')).isDirectory())
})

t.test('where none can be made it ends with the reason', async (t) => {
  await t.rejects(makeDirectories('/proc/nothing/here'), { code: 'ENOENT' })
  const root = t.testdir()
  writeFileSync(join(root, 'file'), '')
  await t.rejects(makeDirectories(join(root, 'file')), { code: 'ENOTDIR' })
  await t.rejects(makeDirectories(join(root, 'file/x')), { code: 'ENOTDIR' })
  symlinkSync('nowhere', join(root, 'dangling'))
  await t.rejects(makeDirectories(join(root, 'dangling/x')), { code: /EEXIST|ENOENT/ })
})
