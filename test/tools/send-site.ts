// A site whose deliveries a person asks about and decides about.
import { readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { Sending, configuration } from '../deliver/sending.ts'
import { makeStudy, studyIn, temporary, type Study } from '../deliver/studies.ts'
import { freePort, run, type Finished } from '../fixtures/peers.ts'

export const mark = (seq: number, committed = 0) => ({ type: 'mark', seq, committed })
export const isMark = (seq: number) => (record: AnyRecord) =>
  record.type === 'mark' && record['seq'] === seq
export const isTransfer = (record: AnyRecord) => record.type === 'transfer'
export const isError = (record: AnyRecord) => record.type === 'error'
export const requestOf = ({ record }: Study): string => String(record['requestId'])

/** The same study with one more object. */
export function nextRevision({ path, record, files }: Study): Study {
  const uid = String(record['StudyInstanceUID'])
  const more = makeStudy({ uid, objects: files.length + 1 })
  const [last = ''] = more.files.filter((file) => file.endsWith(`.${String(files.length + 1)}.dcm`))
  renameSync(last, join(path, `${uid}.1`, `${uid}.1.${String(files.length + 1)}.dcm`))
  return studyIn(path, uid, 'S001', { fields: { revision: Number(record['revision']) + 1 } })
}

/** A site with one destination, that nobody listens at unless told. */
export class Site {
  readonly dataDir = temporary()
  readonly port: number
  config: string

  private constructor(port: number) {
    this.port = port
    this.config = this.configure()
  }

  /** @param name of the destination; none of all when it is absent */
  configure(name: string | undefined = 'pacs', url = this.url): string {
    const retry = { delaySeconds: 600, maxDelaySeconds: 600 }
    const names = name === undefined ? [] : [name]
    return configuration({
      dataDir: this.dataDir,
      projects: { ABCD: { destinations: names } },
      destinations: Object.fromEntries(names.map((one) => [one, { url, retry }])),
    })
  }

  get url(): string {
    return `dicom://SCP@127.0.0.1:${String(this.port)}`
  }

  static async make(): Promise<Site> {
    return new Site(await freePort())
  }

  /** In a stage, until the study is on disk. */
  async runs(
    t: Test,
    studies: readonly Study[],
    env: NodeJS.ProcessEnv = {},
    uid?: number,
  ): Promise<Sending> {
    const inStage = { FIONA_STAGE: 'deliver', ...env }
    const sending = new Sending(['--config', this.config], inStage, uid)
    t.teardown(() => sending.child.kill('SIGKILL'))
    sending.write(...studies.map(({ record }) => record), mark(1))
    await sending.until(isMark(1))
    return sending
  }

  /** Takes the study, and is gone. */
  async took(t: Test, ...studies: readonly Study[]): Promise<void> {
    await (await this.runs(t, studies)).kill('SIGKILL')
  }

  /** By hand. */
  send(...studies: readonly Study[]): Promise<Finished> {
    const input = studies.map(({ record }) => `${JSON.stringify(record)}\n`).join('')
    return run('fiona-send', ['--config', this.config], { input, env: { FIONA_STAGE: '' } })
  }

  /** By hand, as another user; what was said up to the last transfer record. */
  async sendAs(uid: number, ...studies: readonly Study[]): Promise<Finished> {
    const sending = new Sending(['--config', this.config], { FIONA_STAGE: '' }, uid)
    sending.write(...studies.map(({ record }) => record))
    sending.child.stdin?.end()
    for (let ended = 0; ended < studies.length; ended++) await sending.until(isTransfer)
    const code = await sending.exit
    const stdout = sending.said.map((record) => `${JSON.stringify(record)}\n`).join('')
    return { code, stdout, stderr: sending.stderr }
  }

  ask(...args: readonly string[]): Promise<Finished> {
    return run('fiona-send', [...args, '--config', this.config], { env: { FIONA_STAGE: '' } })
  }

  async status(): Promise<AnyRecord> {
    return JSON.parse((await this.ask('status', '--json')).stdout) as AnyRecord
  }

  async explain(what: string): Promise<AnyRecord> {
    return JSON.parse((await this.ask('explain', what)).stdout) as AnyRecord
  }

  get decisions(): AnyRecord[] {
    const path = join(this.dataDir, 'state', 'fiona-send', 'decisions.ndjson')
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AnyRecord)
  }

  get orders(): string[] {
    return readdirSync(join(this.dataDir, 'state', 'fiona-send', 'orders', 'deliver'))
  }
}
