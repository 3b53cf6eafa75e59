/**
 * A REDCap for tests: a real HTTP(S) server that answers as the API of REDCap is documented to. It shares no code with
 * the client, so that both cannot misread it in the same way. Faults are put in front of it one by one.
 */
import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export interface Field {
  readonly name: string
  readonly form: string
  readonly type?: string
  /** `1, One | 2, Two` */
  choices?: string
  readonly validation?: string
}

export interface ProjectSetup {
  readonly title: string
  readonly fields: Field[]
  repeating?: readonly string[]
  /** Unique names; none: not longitudinal. */
  readonly events?: readonly string[]
  readonly rights?: { readonly export?: boolean; readonly import?: boolean }
}

/** Instead of an answer, or of its end. */
export type Fault =
  | 'drip'
  | 'hang'
  | 'html'
  | 'reset'
  | 'truncated'
  | 'unanswered'
  | {
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: string
      /** In place of a body. */
      readonly bytes?: Buffer
      /** In place of a body: so many blanks, as fast as they are taken. */
      readonly endless?: number
    }

interface Line {
  readonly record: string
  readonly event: string
  /** '' for what does not repeat. */
  readonly form: string
  readonly instance: number
  readonly values: Map<string, string>
}

export class ServedProject {
  readonly lines: Line[] = []
  readonly setup: ProjectSetup
  rights: { export: boolean; import: boolean }
  /** When each record was changed last, by the clock of the server. */
  readonly changedAt = new Map<string, string>()
  /** Called between what is read of a record and what is written next. */
  beforeImport: ((data: readonly Record<string, string>[]) => void) | undefined

  constructor(setup: ProjectSetup) {
    this.setup = setup
    this.rights = { export: true, import: true, ...setup.rights }
  }

  /** What an administrator does in the data dictionary. */
  removeField(name: string): void {
    const { fields } = this.setup
    fields.splice(
      fields.findIndex((field) => field.name === name),
      1,
    )
  }

  get idField(): string {
    return this.setup.fields[0]?.name ?? 'record_id'
  }

  /** What a person does on a page. */
  put(record: string, values: Record<string, string>, form = '', instance = 1, event = ''): void {
    const found =
      this.lines.find(
        (one) =>
          one.record === record &&
          one.form === form &&
          (form === '' || one.instance === instance) &&
          one.event === event,
      ) ?? this.#add({ record, event, form, instance, values: new Map() })
    for (const [name, value] of Object.entries(values)) found.values.set(name, value)
    this.changedAt.set(record, now())
  }

  remove(record: string, form?: string, instance?: number): void {
    for (let at = this.lines.length - 1; at >= 0; at--) {
      const one = this.lines[at]
      if (one?.record !== record) continue
      if (form === undefined || (one.form === form && one.instance === instance))
        this.lines.splice(at, 1)
    }
    this.changedAt.set(record, now())
  }

  /** Instances of a form as plain objects, with their number. */
  instances(record: string, form: string): Record<string, string>[] {
    return this.lines
      .filter((one) => one.record === record && one.form === form)
      .sort((one, other) => one.instance - other.instance)
      .map((one) => ({ instance: String(one.instance), ...Object.fromEntries(one.values) }))
  }

  row(record: string, event = ''): Record<string, string> {
    const found = this.lines.find(
      (one) => one.record === record && one.form === '' && one.event === event,
    )
    return Object.fromEntries(found?.values ?? [])
  }

  #add(line: Line): Line {
    this.lines.push(line)
    return line
  }
}

class Refusal extends Error {
  readonly status: number
  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

export class RedcapServer {
  readonly #server: Server
  readonly #projects = new Map<string, ServedProject>()
  readonly #sockets = new Set<Socket>()
  readonly #faults: Fault[] = []
  /** Every form that came, with its token. */
  readonly calls: URLSearchParams[] = []
  readonly isSecure: boolean
  /** Of an endless answer. */
  sentBytes = 0
  /** Every call meets it while it is set. */
  always: Fault | undefined

  private constructor(server: Server, isSecure: boolean) {
    this.#server = server
    this.isSecure = isSecure
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  static async start(tls?: { readonly key: string; readonly cert: string }): Promise<RedcapServer> {
    const handler = (request: IncomingMessage, response: ServerResponse): void => {
      void made.#handle(request, response)
    }
    const server = tls === undefined ? createHttpServer(handler) : createHttpsServer(tls, handler)
    const made = new RedcapServer(server, tls !== undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return made
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `${this.isSecure ? 'https://localhost' : 'http://127.0.0.1'}:${String(port)}/api/`
  }

  add(token: string, setup: ProjectSetup): ServedProject {
    const project = new ServedProject(setup)
    this.#projects.set(token, project)
    return project
  }

  /** The next calls meet these, one each. */
  meet(...faults: readonly Fault[]): void {
    this.#faults.push(...faults)
  }

  /** Calls so far for this kind of content. */
  count(content: string, action?: string): number {
    return this.calls.filter(
      (form) =>
        form.get('content') === content && (action === undefined || form.get('action') === action),
    ).length
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const form = new URLSearchParams(Buffer.concat(parts).toString())
    this.calls.push(form)
    const fault = this.#faults.shift() ?? this.always
    if (fault === 'hang') return
    if (fault === 'reset') {
      request.socket.resetAndDestroy()
      return
    }
    if (fault === 'html') {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
      response.end('<!DOCTYPE HTML>\n<html><body>REDCap is offline for maintenance</body></html>')
      return
    }
    if (fault === 'drip') {
      response.writeHead(200, { 'Content-Type': 'application/json' })
      // Never silent for long, and never at an end.
      const drops = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(drops))
      return
    }
    if (typeof fault === 'object') {
      response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers })
      if (fault.endless !== undefined) await this.#pour(response, fault.endless)
      else response.end(fault.bytes ?? fault.body ?? '{"error":"trouble"}')
      return
    }
    const { status, type, body } = this.#answer(request, form)
    if (fault === 'unanswered') {
      // Done, and the answer is lost.
      request.socket.resetAndDestroy()
      return
    }
    if (fault === 'truncated') {
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
      })
      response.write(body.slice(0, Math.floor(body.length / 2)))
      response.socket?.end()
      return
    }
    response.writeHead(status, { 'Content-Type': type })
    response.end(body)
  }

  async #pour(response: ServerResponse, bytes: number): Promise<void> {
    const blanks = Buffer.alloc(1 << 16, ' ')
    const closed = new Promise((resolve) => response.once('close', resolve))
    while (this.sentBytes < bytes && !response.destroyed) {
      this.sentBytes += blanks.length
      if (!response.write(blanks)) await Promise.race([once(response, 'drain'), closed])
    }
    response.end()
  }

  #answer(
    request: IncomingMessage,
    form: URLSearchParams,
  ): { status: number; type: string; body: string } {
    const json = 'application/json; charset=utf-8'
    try {
      if (request.method !== 'POST') throw new Refusal('The API only accepts POST', 405)
      const project = this.#projects.get(form.get('token') ?? '')
      if (project === undefined) {
        throw new Refusal('You do not have permissions to use the API', 403)
      }
      const value = dispatch(project, form)
      return typeof value === 'string'
        ? { status: 200, type: 'text/html; charset=utf-8', body: value }
        : { status: 200, type: json, body: JSON.stringify(value) }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { status: error.status, type: json, body: JSON.stringify({ error: error.message }) }
    }
  }
}

function dispatch(project: ServedProject, form: URLSearchParams): unknown {
  const { fields, repeating = [], events = [], title } = project.setup
  if (form.get('format') !== 'json') throw new Refusal('only json here')
  switch (form.get('content')) {
    case 'version':
      return '14.5.10'
    case 'project':
      return { project_title: title, is_longitudinal: events.length > 0 ? 1 : 0 }
    case 'metadata':
      return fields.map(
        ({ name, form: form_name, type = 'text', choices = '', validation = '' }) => ({
          field_name: name,
          form_name,
          section_header: '',
          field_type: type,
          field_label: name,
          select_choices_or_calculations: choices,
          text_validation_type_or_show_slider_number: validation,
          identifier: '',
        }),
      )
    case 'event':
      if (events.length === 0) throw new Refusal('You cannot export events for classic projects')
      return events.map((name) => ({ event_name: name, arm_num: 1, unique_event_name: name }))
    case 'repeatingFormsEvents':
      if (repeating.length === 0) {
        throw new Refusal('There are no repeating instruments/events in this project')
      }
      return repeating.map((form_name) => ({ form_name, custom_form_label: '' }))
    case 'generateNextRecordName':
      return String(
        Math.max(0, ...project.lines.map(({ record }) => Number(record)).filter(Number.isInteger)) +
          1,
      )
    case 'record':
      return form.get('action') === 'import' || form.has('data')
        ? importRecords(project, form)
        : exportRecords(project, form)
    default:
      throw new Refusal('The value of the parameter "content" is not valid')
  }
}

function list(form: URLSearchParams, name: string): string[] {
  return [...form].flatMap(([key, value]) =>
    key === name || (key.startsWith(`${name}[`) && key.endsWith(']')) ? [value] : [],
  )
}

/** Names in an export: a checkbox has one for each choice. */
function columnsOf({ name, type, choices = '' }: Field): string[] {
  if (type !== 'checkbox') return [name]
  return choices.split('|').map((choice) => `${name}___${choice.split(',')[0]?.trim() ?? ''}`)
}

function exportRecords(project: ServedProject, form: URLSearchParams): unknown {
  if (!project.rights.export) throw new Refusal("You do not have 'API Export' privileges", 403)
  const { fields, repeating = [], events = [] } = project.setup
  const completes = [...new Set(fields.map((field) => field.form))].map((name): Field => {
    return { name: `${name}_complete`, form: name }
  })
  const all = [...fields, ...completes]
  const named = list(form, 'fields')
  const forms = list(form, 'forms')
  const unknown = named.filter((name) => !all.some((field) => field.name === name))
  if (unknown.length > 0) {
    throw new Refusal(
      `The following values in the parameter "fields" are not valid: '${unknown.join("', '")}'`,
    )
  }
  const wantsAll = named.length === 0 && forms.length === 0
  const wanted = all.filter(
    ({ name, form: of }) => wantsAll || named.includes(name) || forms.includes(of),
  )
  const records = list(form, 'records')
  const since = form.get('dateRangeBegin') ?? ''
  const logic = form.get('filterLogic') ?? ''
  return project.lines
    .filter(({ record }) => records.length === 0 || records.includes(record))
    .filter(({ record }) => since === '' || (project.changedAt.get(record) ?? '') >= since)
    .filter((line) => {
      const ofForm = wanted.some((field) => field.form === line.form)
      return line.form === '' ? true : ofForm
    })
    .filter((line) => fits(line, logic))
    .map((line) => {
      const row: Record<string, string | number> = {}
      if (wanted.some(({ name }) => name === project.idField)) row[project.idField] = line.record
      if (events.length > 0) row['redcap_event_name'] = line.event
      if (repeating.length > 0) {
        row['redcap_repeat_instrument'] = line.form
        row['redcap_repeat_instance'] = line.form === '' ? '' : line.instance
      }
      for (const field of wanted) {
        const isHere = repeating.includes(field.form) ? field.form === line.form : line.form === ''
        for (const column of columnsOf(field)) {
          if (column === project.idField) continue
          const empty = field.type === 'checkbox' && isHere ? '0' : ''
          row[column] = isHere ? (line.values.get(column) ?? empty) : ''
        }
      }
      return row
    })
}

/** `[field] <> '' and [field] = 'x'` */
function fits(line: Line, logic: string): boolean {
  if (logic === '') return true
  return logic.split(' and ').every((part) => {
    const [, name = '', operator, value] = /^\s*\[(\w+)\]\s*(<>|=)\s*'([^']*)'\s*$/.exec(part) ?? []
    if (operator === undefined) throw new Refusal('The filter logic has a mistake')
    const has = line.values.get(name) ?? ''
    return operator === '=' ? has === value : has !== value
  })
}

function importRecords(project: ServedProject, form: URLSearchParams): unknown {
  if (!project.rights.import)
    throw new Refusal("You do not have 'API Import/Update' privileges", 403)
  const { fields, repeating = [], events = [] } = project.setup
  const clears = form.get('overwriteBehavior') === 'overwrite'
  let data: Record<string, string>[]
  try {
    data = JSON.parse(form.get('data') ?? '') as Record<string, string>[]
  } catch {
    throw new Refusal('The data being imported is not formatted correctly')
  }
  const completes = new Set(fields.map((field) => `${field.form}_complete`))
  const byColumn = new Map(
    fields.flatMap((field) => columnsOf(field).map((column) => [column, field])),
  )
  const special = new Set([
    'redcap_event_name',
    'redcap_repeat_instrument',
    'redcap_repeat_instance',
  ])
  const unknown = new Set(
    data.flatMap((row) =>
      Object.keys(row).filter(
        (name) => !byColumn.has(name) && !completes.has(name) && !special.has(name),
      ),
    ),
  )
  if (unknown.size > 0) {
    throw new Refusal(
      `The following fields were not found in the project as real data fields: ${[...unknown].join(', ')}`,
    )
  }
  const complaints = data.flatMap((row) =>
    complaintsAbout(row, project, byColumn, repeating, events),
  )
  // All of it or nothing.
  if (complaints.length > 0) throw new Refusal(complaints.join('\n'))
  project.beforeImport?.(data)
  for (const row of data) {
    const record = row[project.idField] ?? ''
    const repeat = row['redcap_repeat_instrument'] ?? ''
    const instance = Number(row['redcap_repeat_instance'] ?? 1)
    const values = Object.entries(row).filter(
      ([name, value]) => !special.has(name) && name !== project.idField && (clears || value !== ''),
    )
    project.put(
      record,
      Object.fromEntries(values),
      repeat,
      instance,
      row['redcap_event_name'] ?? '',
    )
    if (repeat !== '') {
      // A record with an instance is a record.
      project.put(record, {}, '', 1, row['redcap_event_name'] ?? '')
    }
  }
  const names = new Set(data.map((row) => row[project.idField] ?? ''))
  return form.get('returnContent') === 'ids' ? [...names] : { count: names.size }
}

function complaintsAbout(
  row: Record<string, string>,
  project: ServedProject,
  byColumn: ReadonlyMap<string, Field>,
  repeating: readonly string[],
  events: readonly string[],
): string[] {
  const record = row[project.idField] ?? ''
  const about = (name: string, why: string) => `"${record}","${name}","${row[name] ?? ''}","${why}"`
  const complaints: string[] = []
  if (record === '') complaints.push(about(project.idField, 'The record ID is missing'))
  const repeat = row['redcap_repeat_instrument'] ?? ''
  if (repeat !== '' && !repeating.includes(repeat)) {
    complaints.push(
      about('redcap_repeat_instrument', 'must be the unique form name of a Repeating Instrument'),
    )
  }
  if (repeat !== '' && !/^[1-9]\d*$/.test(String(row['redcap_repeat_instance'] ?? ''))) {
    complaints.push(about('redcap_repeat_instance', 'must be a positive integer'))
  }
  if (events.length > 0 && !events.includes(row['redcap_event_name'] ?? '')) {
    complaints.push(about('redcap_event_name', 'This is not a valid event name'))
  }
  for (const [name, value] of Object.entries(row)) {
    const field = byColumn.get(name)
    if (field === undefined || value === '') continue
    if (repeating.includes(field.form) && field.form !== repeat) {
      complaints.push(about(name, 'belongs to a repeating instrument and must be imported as such'))
    }
    if (field.type === 'checkbox' && !/^[01]$/.test(value)) {
      complaints.push(about(name, 'Only 0 and 1 are allowed for a checkbox'))
    }
    if ((field.type === 'dropdown' || field.type === 'radio') && field.choices !== undefined) {
      const codes = field.choices.split('|').map((choice) => choice.split(',')[0]?.trim())
      if (!codes.includes(value)) complaints.push(about(name, 'The value is not a valid category'))
    }
    const form = forms[field.validation ?? '']
    if (form !== undefined && !form.test(value)) {
      complaints.push(about(name, `The value ${value} could not be validated`))
    }
  }
  return complaints
}

const forms: Readonly<Record<string, RegExp>> = {
  integer: /^-?\d+$/,
  date_ymd: /^\d{4}-\d\d-\d\d$/,
  datetime_ymd: /^\d{4}-\d\d-\d\d \d\d:\d\d$/,
}

function now(): string {
  return new Date().toISOString().slice(0, 19).replace('T', ' ')
}
