// A real S3 store: OpenStack Swift with its S3 interface, which checks signatures and sums (test/fixtures/s3-store.py).
import type { ChildProcess } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import aws4 from 'aws4'
import { freePort, projectRoot, start } from '../../../fixtures/peers.ts'
import { temporary } from '../../studies.ts'

export const region = 'north-1'
export const researcher = { accessKeyId: 'research:fiona', secretAccessKey: "it's/a+secret" }
/** May do nothing. */
export const guest = { accessKeyId: 'research:guest', secretAccessKey: 'guest' }

/** For `skip`: false when all of Swift is installed. */
export function missingSwift(): string | false {
  const servers = 'account.server, container.server, obj.server, proxy.server'
  const script = servers.replace(/(\w+\.server)/g, 'swift.$1')
  const { status } = spawnSync('/usr/bin/python3', ['-c', `import ${script}`])
  return status === 0 ? false : 'swift-proxy, -account, -container or -object not installed'
}

export function credentialsFile(of: { accessKeyId: string; secretAccessKey: string }): string {
  const path = join(temporary(), 'credentials')
  const text = `aws_access_key_id = ${of.accessKeyId}\naws_secret_access_key = ${of.secretAccessKey}\n`
  writeFileSync(path, `[default]\n${text}`, { mode: 0o600 })
  return path
}

export class SwiftStore {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
  }

  static async start(): Promise<SwiftStore> {
    const port = await freePort()
    const script = `${projectRoot}test/fixtures/s3-store.py`
    const child = start('/usr/bin/python3', [script, temporary(), String(port)])
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const store = new SwiftStore(port, child)
    for (;;) {
      const isUp = await fetch(store.endpoint).then(
        () => true,
        () => false,
      )
      if (isUp) return store
      if (child.exitCode !== null) throw new Error(said)
      await delay(50)
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${String(this.port)}`
  }

  async makeBucket(name: string): Promise<string> {
    const made = await this.request('PUT', `/${name}`)
    if (!made.ok) throw new Error(await made.text())
    return name
  }

  /** Whatever is in a bucket, by name, in order. */
  async contents(bucket: string): Promise<Map<string, Buffer>> {
    const list = await this.request('GET', `/${bucket}?list-type=2`)
    const text = await list.text()
    const contents = new Map<string, Buffer>()
    for (const [, key = ''] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      contents.set(key, await this.get(bucket, key))
    }
    return contents
  }

  async get(bucket: string, key: string): Promise<Buffer> {
    const answer = await this.request('GET', pathOf(bucket, key))
    return Buffer.from(await answer.arrayBuffer())
  }

  async put(bucket: string, key: string, body: string): Promise<void> {
    await this.request('PUT', pathOf(bucket, key), body)
  }

  /** How many uploads in parts have begun and not ended. */
  async openUploads(bucket: string): Promise<number> {
    const answer = await this.request('GET', `/${bucket}?uploads=`)
    return [...(await answer.text()).matchAll(/<UploadId>/g)].length
  }

  request(method: string, path: string, body = ''): Promise<Response> {
    const signed = aws4.sign(
      {
        service: 's3',
        region,
        method,
        path,
        headers: {
          Host: `127.0.0.1:${String(this.port)}`,
          'X-Amz-Content-Sha256': createHash('sha256').update(body).digest('hex'),
        },
      },
      researcher,
    )
    const headers = signed.headers as Record<string, string>
    return fetch(`${this.endpoint}${path}`, { method, headers, ...(body === '' ? {} : { body }) })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

const pathOf = (bucket: string, key: string): string =>
  `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
