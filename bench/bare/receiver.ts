// What Node.js itself can do: the ceiling under which fiona-scp stands.
// receiver.ts PORT DIRECTORY none|fsync|whole [THREADS]
// none, fsync: C-STORE from the socket into files on one event loop, and nothing else; whole: with digest, name and journal, and three
// syncs before success, on threads of which each waits for its own disk.
import { openSync } from 'node:fs'
import net, { createServer } from 'node:net'
import { join } from 'node:path'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { plainTransport } from '../../src/lib/dimse/transport.ts'
import { Association, type Keeper } from './association.ts'
import { PlainFiles, WholeDuties } from './keepers.ts'
import { SharedSync } from './shared-sync.ts'

interface Shared {
  readonly memory: SharedArrayBuffer
  /** Of the socket that is bound, and of the journal: they are the process's. */
  readonly socket: number
  readonly journal: number
}

/** Node cannot be asked for a bound socket that nobody accepts from yet: its cluster module makes them so. */
interface BindingNet {
  _createServerHandle(address: string, port: number, family: number): { readonly fd: number }
}

const [port = '0', directory = '.', durability = 'none', threads = '1'] = process.argv.slice(2)

function serverFor(keeper: () => Keeper): net.Server {
  return createServer({ pauseOnConnect: true }, (socket) => {
    plainTransport(socket, (transport) => {
      const association = new Association(transport, keeper())
      return {
        onBytes: (bytes) => {
          association.take(bytes)
          return true
        },
        onDrain: () => undefined,
        onClose: () => undefined,
      }
    })
  })
}

if (!isMainThread) {
  const { memory, socket, journal } = workerData as Shared
  const sync = new SharedSync(memory)
  serverFor(() => new WholeDuties(directory, journal, sync)).listen({ fd: socket })
} else if (durability === 'whole') {
  const bound = (net as unknown as BindingNet)._createServerHandle('127.0.0.1', Number(port), 4)
  const shared: Shared = {
    memory: new SharedArrayBuffer(SharedSync.bytes),
    socket: bound.fd,
    journal: openSync(join(directory, 'journal'), 'a'),
  }
  for (let n = 0; n < Number(threads); n++) {
    new Worker(new URL(import.meta.url), { workerData: shared, argv: process.argv.slice(2) })
  }
} else {
  serverFor(() => new PlainFiles(directory, durability === 'fsync')).listen(
    Number(port),
    '127.0.0.1',
  )
}
