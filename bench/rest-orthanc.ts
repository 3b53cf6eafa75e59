import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '../test/fixtures/peers.ts'

const program = '/usr/sbin/Orthanc'
const dicomWebPlugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so'

const web = { Plugins: [dicomWebPlugin], DicomWeb: { Enable: true, Root: '/dicom-web/' } }

/** Orthanc as a web service: it anonymizes one object at a time, or takes what is posted. */
export class RestOrthanc {
  readonly #child: ChildProcess
  readonly #url: string

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.#url = url
  }

  /** @returns undefined where it is not installed */
  static async start(
    directory: string,
    { dicomWeb = false }: { readonly dicomWeb?: boolean } = {},
  ): Promise<RestOrthanc | undefined> {
    if (!existsSync(program) || (dicomWeb && !existsSync(dicomWebPlugin))) return undefined
    mkdirSync(directory)
    const config = join(directory, 'orthanc.json')
    const [HttpPort, DicomPort] = [await freePort(), await freePort()]
    const places = { StorageDirectory: directory, IndexDirectory: directory }
    writeFileSync(
      config,
      JSON.stringify({ ...places, HttpPort, DicomPort, ...(dicomWeb ? web : {}) }),
    )
    const child = spawn(program, [config], { stdio: 'ignore' })
    const orthanc = new RestOrthanc(child, `http://127.0.0.1:${String(HttpPort)}`)
    while (!(await orthanc.#isUp())) {
      if (child.exitCode !== null) throw new Error('Orthanc has ended')
      await setTimeout(50)
    }
    return orthanc
  }

  /** What it makes of an object with its defaults; undefined where it refuses. */
  async anonymized(object: Buffer): Promise<Buffer | undefined> {
    const stored = await this.#post('/instances', object)
    if (!stored.ok) return undefined
    const { ID } = (await stored.json()) as { ID: string }
    try {
      const made = await this.#post(`/instances/${ID}/anonymize`, '{}')
      return made.ok ? Buffer.from(await made.arrayBuffer()) : undefined
    } finally {
      // The next object has the same UIDs.
      await fetch(`${this.#url}/instances/${ID}`, { method: 'DELETE' })
    }
  }

  /** The DICOMweb root. */
  get webRoot(): string {
    return `${this.#url}/dicom-web`
  }

  async countInstances(): Promise<number> {
    const answer = await fetch(`${this.#url}/statistics`)
    return ((await answer.json()) as { CountInstances: number }).CountInstances
  }

  async stop(): Promise<void> {
    this.#child.kill()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }

  #post(path: string, body: Buffer | string): Promise<Response> {
    return fetch(`${this.#url}${path}`, { method: 'POST', body })
  }

  #isUp(): Promise<boolean> {
    return fetch(`${this.#url}/system`).then(
      () => true,
      () => false,
    )
  }
}
