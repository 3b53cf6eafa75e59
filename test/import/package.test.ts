import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gzipSync } from 'node:zlib'
import { Allowance, readPackage, type PackageLimits } from '../../src/lib/import/index.ts'
import { tarFile } from '../fixtures/tar-writer.ts'
import { zipFile } from '../fixtures/zip-writer.ts'

/** Reads every member to its end; returns how many bytes came out. */
async function unpack(path: string, limits: PackageLimits): Promise<number> {
  const { length } = readFileSync(path)
  const fd = openSync(path, 'r')
  let bytes = 0
  try {
    const head = readFileSync(path).subarray(0, 512)
    for await (const member of readPackage(fd, length, head, new Allowance(length, limits))) {
      for await (const chunk of member.content()) bytes += chunk.length
    }
  } finally {
    closeSync(fd)
  }
  return bytes
}

const zeros = Buffer.alloc(8 << 20)
const packages = {
  'a.zip': zipFile([{ name: '1', data: zeros }]),
  'a.tgz': gzipSync(tarFile([{ name: '1', data: zeros }])),
}
for (const [name, bytes] of Object.entries(packages)) {
  t.test(
    `SEC-18: ${name} may not give more than its ratio, counted while it comes out`,
    async (t) => {
      const path = join(t.testdir(), name)
      writeFileSync(path, bytes)
      const small = { members: 10, freeBytes: 1 << 20, ratio: 100 }
      await t.rejects(unpack(path, small), { code: 'E_PACKAGE_BOMB', exitCode: 65 })
      t.equal(await unpack(path, { ...small, ratio: 2000 }), zeros.length)
      t.equal(await unpack(path, { ...small, freeBytes: 16 << 20 }), zeros.length)
    },
  )
}

t.test('SEC-18: more members than anybody packs are refused', async (t) => {
  const members = Array.from({ length: 20 }, (_, n) => ({ name: String(n) }))
  const root = t.testdir({ 'a.zip': zipFile(members), 'a.tar': tarFile(members) })
  const limits = { members: 19, freeBytes: 1 << 20, ratio: 100 }
  for (const name of ['a.zip', 'a.tar']) {
    await t.rejects(unpack(join(root, name), limits), { code: 'E_PACKAGE_BOMB' })
    t.equal(await unpack(join(root, name), { ...limits, members: 20 }), 0)
  }
})

t.test('behind the end of a tar file may be any amount of padding', async (t) => {
  const path = join(t.testdir(), 'a.tar')
  writeFileSync(path, Buffer.concat([tarFile([{ name: '1', data: zeros }]), Buffer.alloc(3 << 20)]))
  t.equal(await unpack(path, { members: 1, freeBytes: 1 << 30, ratio: 1 }), zeros.length)
})
