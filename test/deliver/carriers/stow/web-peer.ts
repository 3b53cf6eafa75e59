// A DICOMweb service that does what a test tells it to, right or wrong. It reads multipart bodies in its own way.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { DicomFile, tagOf } from '../../../../src/lib/dicom/index.ts'

export interface Posted {
  /** By SOP Instance UID. */
  readonly objects: ReadonlyMap<string, Buffer>
  readonly headers: IncomingMessage['headers']
  readonly url: string
}

/** What the service does with a request, counted from 1, once it is read. */
export type Behave = (number: number, posted: Posted, answer: ServerResponse) => void

export class WebPeer {
  readonly posted: Posted[] = []
  /** Objects that the service said it has. */
  readonly stored = new Map<string, Buffer>()
  connections = 0
  readonly #server: Server

  private constructor(behave: Behave, tls: TlsOptions | undefined, early: boolean) {
    const serve = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
      const { headers, url = '' } = request
      if (early) {
        behave(this.posted.length + 1, { objects: new Map(), headers, url }, answer)
        this.posted.push({ objects: new Map(), headers, url })
        return
      }
      const chunks: Buffer[] = []
      try {
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      } catch {
        return
      }
      const one = { objects: readParts(Buffer.concat(chunks), headers), headers, url }
      this.posted.push(one)
      behave(this.posted.length, one, answer)
    }
    const listener = (request: IncomingMessage, answer: ServerResponse): void => {
      void serve(request, answer)
    }
    this.#server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener)
    this.#server.on(tls === undefined ? 'connection' : 'secureConnection', () => this.connections++)
  }

  static async listen(
    behave: Behave,
    options: { tls?: TlsOptions; early?: boolean } = {},
  ): Promise<WebPeer> {
    const peer = new WebPeer(behave, options.tls, options.early ?? false)
    peer.#server.listen(0, '127.0.0.1')
    await once(peer.#server, 'listening')
    return peer
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}/web`
  }

  /** Answers as PS3.18 10.5.3 has it. @param how of each: undefined is stored, a number the reason why not */
  tell(
    posted: Posted,
    answer: ServerResponse,
    how: (uid: string) => number | undefined = () => undefined,
  ): void {
    const [stored, failed]: [object[], object[]] = [[], []]
    for (const [uid, bytes] of posted.objects) {
      const reason = how(uid)
      const UID = { '00081155': { vr: 'UI', Value: [uid] } }
      if (reason === undefined) {
        this.stored.set(uid, bytes)
        stored.push(UID)
      } else failed.push({ ...UID, '00081197': { vr: 'US', Value: [reason] } })
    }
    const status = failed.length === 0 ? 200 : stored.length === 0 ? 409 : 202
    answer.writeHead(status, { 'Content-Type': 'application/dicom+json' })
    answer.end(
      JSON.stringify({
        '00081199': { vr: 'SQ', Value: stored },
        '00081198': { vr: 'SQ', Value: failed },
      }),
    )
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function readParts(body: Buffer, headers: IncomingMessage['headers']): Map<string, Buffer> {
  const boundary = /boundary=([^;]+)/.exec(headers['content-type'] ?? '')?.[1] ?? ''
  const objects = new Map<string, Buffer>()
  const mark = Buffer.from(`\r\n--${boundary}`)
  for (let at = body.indexOf(mark); at !== -1;) {
    const next = body.indexOf(mark, at + 1)
    if (next === -1) break
    const part = body.subarray(at + mark.length, next)
    const bytes = part.subarray(part.indexOf('\r\n\r\n') + 4)
    using file = DicomFile.fromBuffer(bytes)
    objects.set(file.string(file.dataSet, tagOf('SOPInstanceUID') ?? 0) ?? '', bytes)
    at = next
  }
  return objects
}
