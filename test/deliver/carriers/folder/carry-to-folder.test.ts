import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Waybill } from '../../../../src/lib/deliver/carrier.ts'
import { FolderCarrier } from '../../../../src/lib/deliver/carriers/folder/carry-to-folder.ts'
import type { StudyObject } from '../../../../src/lib/deliver/list-objects.ts'
import { parseUid } from '../../../../src/lib/uid/index.ts'

const uid = (text: string) => parseUid(text, 'a UID')

function objectAt(path: string, number: number): StudyObject {
  const SOPInstanceUID = uid(`2.25.3.${String(number)}`)
  return {
    path,
    name: `2.25.2/${SOPInstanceUID}.dcm`,
    size: 0,
    mtimeMs: 0,
    SOPClassUID: uid('1.2.840.10008.5.1.4.1.1.2'),
    SOPInstanceUID,
    SeriesInstanceUID: uid('2.25.2'),
    StudyInstanceUID: uid('2.25.1'),
    transferSyntaxUID: uid('1.2.840.10008.1.2.1'),
    dataSetOffset: 0,
  }
}

t.test('when the folder fails for one object, the others under way end first', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fiona-folder-'))
  t.teardown(() => {
    rmSync(root, { recursive: true })
  })
  const source = join(root, 'source')
  mkdirSync(source)
  const large = join(source, 'large.dcm')
  writeFileSync(large, Buffer.alloc(8 << 20, 1))
  // The first cannot be opened, which looks like a folder that is not there; the others take their time.
  const objects = [
    objectAt(join(source, 'gone.dcm'), 0),
    ...Array.from({ length: 20 }, (_, at) => objectAt(large, at + 1)),
  ]
  let told = 0
  const { signal } = new AbortController()
  const waybill: Waybill = {
    participant: 'S001',
    revision: 1,
    before: () => undefined,
    mayBeThere: () => false,
    arrived: () => void told++,
    failed: () => void told++,
    suspect: () => undefined,
    stopping: signal,
    stopped: signal,
  }
  await t.rejects(new FolderCarrier(join(root, 'folder')).carry(objects, waybill), {
    code: 'E_FOLDER',
  })
  const atTheEnd = told
  t.ok(atTheEnd > 0, 'those under way arrived')
  t.ok(atTheEnd < 20, 'no further one was begun')
  await delay(300)
  t.equal(told, atTheEnd, 'and nothing is told once the ledger may be closed')
})
