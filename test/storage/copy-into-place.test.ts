import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { copyIntoPlace } from '../../src/lib/storage/index.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function folder(): { source: string; target: string; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'fiona-copy-'))
  const source = join(mkdtempSync(join(tmpdir(), 'fiona-copy-')), 'source')
  writeFileSync(source, 'new')
  return { source, directory, target: join(directory, 'name') }
}

t.test('a copy appears under its name, and nothing else stays', async (t) => {
  const { source, target, directory } = folder()
  t.same(await copyIntoPlace(source, target), { result: 'placed', sha256: sha256('new') })
  t.equal(readFileSync(target, 'utf8'), 'new')
  t.match(await copyIntoPlace(source, target), { result: 'identical' })
  t.same(readdirSync(directory), ['name'])
})

t.test('what lies there is replaced only by whoever may', async (t) => {
  const { source, target, directory } = folder()
  writeFileSync(target, 'old')
  t.match(await copyIntoPlace(source, target), { result: 'different' })
  t.equal(readFileSync(target, 'utf8'), 'old')
  const asked: string[] = []
  const copied = await copyIntoPlace(source, target, (there) => {
    asked.push(there)
    return true
  })
  t.equal(copied.result, 'replaced')
  t.same(asked, [sha256('old')])
  t.equal(readFileSync(target, 'utf8'), 'new')
  t.same(readdirSync(directory), ['name'])
})

t.test('symbolic links are neither read nor written through', async (t) => {
  const { source, target, directory } = folder()
  const secret = join(directory, 'secret')
  writeFileSync(secret, 'secret')
  const link = join(directory, 'link')
  symlinkSync(secret, link)
  await t.rejects(copyIntoPlace(link, target), { code: 'ELOOP' })
  await t.rejects(copyIntoPlace(source, link), { code: 'ELOOP' })
  t.equal(readFileSync(secret, 'utf8'), 'secret')
  t.same(readdirSync(directory).sort(), ['link', 'secret'])
})
