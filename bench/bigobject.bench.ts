// Memory of each receiver, at its highest: one object of 100 MB, one of 2 GB, fifty associations at a time,
// and a disk slower than the network (each write of the receiver takes 5 ms longer, by strace). Of a
// receiver that forks, the largest of its processes.
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setInterval } from 'node:timers'
import { ctElements, dicomFile, el } from '../test/fixtures/dicom-writer.ts'
import {
  type Receiver,
  RunningReceiver,
  fionaSynced,
  orthanc,
  present,
  storescpTuned,
} from './receivers.ts'
import { sendFolders } from './send-folders.ts'
import { isInstalled } from '../test/fixtures/peers.ts'
import { inDirectory } from './in-directory.ts'

const receivers = [fionaSynced, storescpTuned, orthanc]
const slowDisk = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=write,pwrite64,writev']
const slowly = ['-e', 'inject=write,pwrite64,writev:delay_exit=5000']

interface Load {
  readonly name: string
  /** One association each. */
  readonly folders: readonly string[]
  readonly before?: readonly string[]
}

export default {
  name: 'bigobject',
  title: 'Peak memory while receiving, MB, and the seconds it took',
  run: () => inDirectory(async (directory) => ({ rows: await compare(directory) })),
}

async function compare(directory: string) {
  const loads: Load[] = [
    { name: '100 MB', folders: [bigObject(directory, 1, 100e6)] },
    { name: '2 GB', folders: [bigObject(directory, 2, 2e9)] },
    {
      name: '50 × 20 MB',
      folders: Array.from({ length: 50 }, (_, n) => bigObject(directory, 10 + n, 20e6)),
    },
  ]
  if (isInstalled('strace')) {
    const before = [...slowDisk, ...slowly]
    loads.push({ name: 'slow disk, 100 MB', folders: [join(directory, '1')], before })
  }
  const rows = []
  for (const receiver of present(receivers, directory)) {
    const row: Record<string, number | string> = {}
    for (const load of loads) {
      // Its database makes so many small writes that it does not get through.
      if (load.before !== undefined && receiver === orthanc) continue
      const { megabytes, seconds } = await measure(receiver, directory, load)
      row[`${load.name}: MB`] = Math.round(megabytes)
      row[`${load.name}: s`] = seconds === undefined ? 'failed' : Math.round(seconds * 10) / 10
    }
    rows.push({ who: receiver.who, ...row })
  }
  return rows
}

/** A folder with one object; its pixel data is a hole in the file, as long as it needs to be. */
function bigObject(directory: string, number: number, pixelBytes: number): string {
  const folder = join(directory, String(number))
  mkdirSync(folder)
  const pixels = el(0x7fe00010, 'OW', Buffer.alloc(0), pixelBytes)
  const elements = ctElements({ sopUID: `2.25.700${String(number)}` }).filter(
    ({ tag }) => tag !== pixels.tag,
  )
  const header = dicomFile({ elements: [...elements, pixels] })
  const fd = openSync(join(folder, 'object.dcm'), 'w')
  writeSync(fd, header)
  ftruncateSync(fd, header.length + pixelBytes)
  closeSync(fd)
  return folder
}

async function measure(receiver: Receiver, directory: string, load: Load) {
  const { folders, before } = load
  const running = await RunningReceiver.start(receiver, directory, folders.length, before)
  // The children of one that forks are gone when it is over.
  const watch = setInterval(() => running.cost(), 100)
  try {
    const start = performance.now()
    await Promise.all(folders.map((folder) => sendFolders(running.port, [folder])))
    const seconds = (performance.now() - start) / 1000
    return { megabytes: running.cost().peakMegabytes, seconds }
  } catch (error) {
    // A receiver that cannot do it is a result, too.
    console.error(running.trouble(error).message)
    return { megabytes: running.cost().peakMegabytes, seconds: undefined }
  } finally {
    clearInterval(watch)
    await running.stop()
  }
}
