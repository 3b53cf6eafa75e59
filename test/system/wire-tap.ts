// What really went over the wire: a relay that notes each data set, knowing no more of DICOM than
// the six bytes before a PDU and the six before a PDV (PS3.8 9.3.5, annex E), and none of our code.
import { once } from 'node:events'
import { type AddressInfo, type Server, connect, createServer } from 'node:net'

export class WireTap {
  /** The data sets that passed from the sender to the receiver, in order of their ends. */
  readonly dataSets: Buffer[] = []
  readonly #server: Server

  private constructor(port: number) {
    this.#server = createServer((sender) => {
      const receiver = connect(port, '127.0.0.1')
      const pdus = new DataSetsOfPdus((dataSet) => this.dataSets.push(dataSet))
      sender.on('data', (bytes: Buffer) => {
        pdus.push(bytes)
        receiver.write(bytes)
      })
      receiver.on('data', (bytes) => sender.write(bytes))
      sender.on('close', () => receiver.end()).on('error', () => receiver.destroy())
      receiver.on('close', () => sender.end()).on('error', () => sender.destroy())
    })
  }

  /** Relays to `port` of this machine. */
  static async to(port: number): Promise<WireTap> {
    const tap = new WireTap(port)
    tap.#server.listen(0)
    await once(tap.#server, 'listening')
    return tap
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
  }
}

class DataSetsOfPdus {
  #rest = Buffer.alloc(0)
  #parts: Buffer[] = []
  readonly #take: (dataSet: Buffer) => void

  constructor(take: (dataSet: Buffer) => void) {
    this.#take = take
  }

  push(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes])
    while (rest.length >= 6 && rest.length >= 6 + rest.readUInt32BE(2)) {
      const end = 6 + rest.readUInt32BE(2)
      if (rest[0] === 4) this.#readValues(rest.subarray(6, end))
      rest = rest.subarray(end)
    }
    this.#rest = rest
  }

  #readValues(values: Buffer): void {
    for (let at = 0; at < values.length; at += 4 + values.readUInt32BE(at)) {
      const control = values[at + 5] ?? 0
      const isCommand = (control & 1) === 1
      if (isCommand) continue
      this.#parts.push(Buffer.from(values.subarray(at + 6, at + 4 + values.readUInt32BE(at))))
      const isLast = (control & 2) === 2
      if (!isLast) continue
      this.#take(Buffer.concat(this.#parts))
      this.#parts = []
    }
  }
}
