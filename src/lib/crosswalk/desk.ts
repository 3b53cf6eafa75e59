import { ExitCode, FionaError } from '../error/index.ts'
import { visibleJson, visibleText } from '../text/index.ts'
import { appendToTrail, readTrail } from './audit-trail.ts'
import { Conflicts, type Conflict } from './conflicts.ts'
import { Crosswalk } from './crosswalk.ts'
import { openPrivate } from './crosswalk-file.ts'
import { writeExport } from './export-file.ts'
import { tableOf } from './link-table.ts'
import type { Link } from './link.ts'
import { type Question, lookUp } from './look-up.ts'
import { merge } from './merge.ts'
import { reseal } from './reseal.ts'
import { Seals } from './seal.ts'
import { whoRuns } from './who.ts'
import { WhoIsWho } from './who-is-who.ts'

interface Counter {
  /** Why something is looked up. */
  readonly reason: string | undefined
  readonly print: (line: string) => Promise<void>
  readonly write: (bytes: Buffer) => Promise<void>
  /** For people, instead of JSON. */
  readonly isTable: boolean
}

const longestReason = 1000
const mostProblems = 20

/** Where people look things up: nothing is told that is not in the audit trail before. */
export class Desk {
  readonly #path: string
  readonly #keys: readonly [Buffer, ...Buffer[]]
  readonly #seals: Seals
  readonly #counter: Counter

  constructor(path: string, keys: readonly [Buffer, ...Buffer[]], counter: Counter) {
    this.#path = path
    this.#keys = keys
    this.#seals = new Seals(keys)
    this.#counter = counter
  }

  async find(question: Question): Promise<number> {
    const { project, patient, participant, study, newStudy } = question
    if (
      [patient, participant, study, newStudy].every((each) => each === undefined || each === '')
    ) {
      throw usage('find needs --patient, --participant, --study or --new-study')
    }
    const reason = this.#reason('find')
    // None is made by looking something up in it.
    await (await openPrivate(this.#path, 'read')).close()
    const crosswalk = await Crosswalk.open(this.#path, this.#keys)
    try {
      const links = await lookUp(crosswalk, question)
      const digest = this.#digests({ patient, study })
      const asked = { ...digest, ...stated({ project, participant, newStudy }) }
      await this.#note('find', reason, asked, links.length, crosswalk)
      if (crosswalk.isDamaged) process.stderr.write(unreadable('some'))
      await this.#show(links)
      return links.length === 0 ? ExitCode.badInput : ExitCode.ok
    } finally {
      await crosswalk.close()
    }
  }

  async list(project: string | undefined): Promise<number> {
    if (project === undefined) throw usage('list needs --project')
    const reason = this.#reason('list')
    const links = await this.#ofProject(project)
    await this.#note('list', reason, { project }, links.length)
    await this.#show(links)
    return ExitCode.ok
  }

  async export(
    project: string | undefined,
    format: 'ndjson' | 'csv',
    out: string | undefined,
  ): Promise<number> {
    if (out === undefined) throw usage('export needs --out')
    const reason = this.#reason('export')
    const links = await this.#ofProject(project)
    await this.#note('export', reason, stated({ project }), links.length)
    await writeExport(out, links, format)
    await this.#counter.print(
      `wrote ${String(links.length)} links to ${visibleText(out)}; it names patients: guard it, and remove it when it was handed over`,
    )
    return ExitCode.ok
  }

  async import(file: string, isDespiteConflicts: boolean): Promise<number> {
    const reason = this.#reason('import')
    // It makes the file on a machine that goes on with what another one began.
    await (await Crosswalk.open(this.#path, this.#keys)).close()
    await this.#note('import', reason, {}, 0)
    const { links, conflicts } = await merge(this.#path, file, this.#keys, isDespiteConflicts)
    await this.#counter.print(`read ${String(links)} links; what was not there is taken over`)
    await this.#tell(conflicts)
    return conflicts.length > 0 ? ExitCode.badInput : ExitCode.ok
  }

  /** Tells research identities at most. */
  async verify(): Promise<number> {
    const { print } = this.#counter
    const conflicts = new Conflicts()
    const found: Conflict[] = []
    const condition = await this.#whoIsWho().each((link) => {
      if (found.length < mostProblems) found.push(...conflicts.add(link))
    })
    const { links, plain, otherKey, unknownKeys, torn, damaged, withdrawn, anchors } = condition
    const { entries, problems } = await readTrail(this.#path, this.#seals, anchors)
    await print(`${String(links)} links, sealed with the key ${this.#seals.first.fingerprint}`)
    await print(`${String(entries.length)} look-ups in the audit trail`)
    if (withdrawn > 0)
      await print(`${String(withdrawn)} counted names that another process had taken (harmless)`)
    if (torn > 0) await print(`${String(torn)} lines that were never finished (harmless)`)
    if (otherKey > 0)
      await print(`${String(otherKey)} lines are sealed with a former key: fiona-crosswalk reseal`)
    if (plain > 0) await print(`${String(plain)} lines are not sealed: fiona-crosswalk reseal`)
    const wrong = [
      ...[...unknownKeys].map(
        ([key, count]) =>
          `${String(count)} lines are sealed with the key ${visibleText(key)}: give it with --old-key-file`,
      ),
      ...(damaged.length > 0
        ? [
            `damaged lines: ${damaged.slice(0, mostProblems).join(', ')}; put back a copy of the file, or reseal --without-damaged and import a copy`,
          ]
        : []),
      ...problems.map((problem) => `audit trail: ${visibleText(problem)}`),
    ]
    for (const line of wrong) await print(`wrong: ${line}`)
    await this.#tell(found)
    return wrong.length + found.length > 0 ? ExitCode.badInput : ExitCode.ok
  }

  async audit(about: {
    readonly patient: string | undefined
    readonly study: string | undefined
  }): Promise<number> {
    const { print, write, isTable } = this.#counter
    const condition = await this.#whoIsWho().each(() => undefined)
    const { entries, problems } = await readTrail(this.#path, this.#seals, condition.anchors)
    const asked = Object.entries(this.#digests(about))
    const shown = entries.filter((entry) =>
      asked.every(([name, digest]) => entry.asked[name] === digest),
    )
    for (const entry of shown) {
      if (!isTable) await write(Buffer.from(`${visibleJson(entry)}\n`))
      else {
        const who = [entry.user, entry.login, entry.sudo].filter((name) => name !== undefined)
        const what = Object.entries(entry.asked).map(([name, value]) => `${name} ${value}`)
        await print(
          visibleText(
            `${entry.time}  ${[...new Set(who)].join('/')}@${entry.host}  ${entry.action} ${what.join(', ')}  ${String(entry.hits)} links  ${entry.reason}`,
          ),
        )
      }
    }
    for (const problem of problems)
      process.stderr.write(`error: the audit trail: ${visibleText(problem)}\n`)
    return problems.length > 0 ? ExitCode.badInput : ExitCode.ok
  }

  async reseal(isWithoutDamaged: boolean): Promise<number> {
    const { links, plain, otherKey, damaged } = await reseal(
      this.#path,
      this.#keys,
      isWithoutDamaged,
    )
    const left = damaged.length > 0 ? `; ${String(damaged.length)} damaged lines are left out` : ''
    await this.#counter.print(
      `sealed ${String(links)} links with the key ${this.#seals.first.fingerprint} (${String(plain)} were not sealed, ${String(otherKey)} with a former key)${left}`,
    )
    return ExitCode.ok
  }

  #whoIsWho(): WhoIsWho {
    return new WhoIsWho(this.#path, this.#seals)
  }

  async #ofProject(project: string | undefined): Promise<Link[]> {
    const links: Link[] = []
    const whoIsWho = this.#whoIsWho()
    await whoIsWho.each((link) => {
      if (project === undefined || link.project === project) links.push(link)
    })
    this.#warnOf(whoIsWho)
    return links
  }

  /** The look-up is durable, and the crosswalk knows that it is, before anything is told. */
  async #note(
    action: string,
    reason: string,
    asked: Readonly<Record<string, string>>,
    hits: number,
    opened?: Crosswalk,
  ): Promise<void> {
    const mac = await appendToTrail(
      this.#path,
      this.#seals,
      { action, reason, asked, hits },
      whoRuns(),
    )
    const crosswalk = opened ?? (await Crosswalk.open(this.#path, this.#keys))
    try {
      await crosswalk.note([{ kind: 'audit', mac }])
    } finally {
      if (opened === undefined) await crosswalk.close()
    }
  }

  #reason(command: string): string {
    const reason = this.#counter.reason?.trim() ?? ''
    if (reason === '' || reason.length > longestReason) {
      throw usage(
        `${command} needs a --reason of at most ${String(longestReason)} characters: why this has to be known`,
      )
    }
    return reason
  }

  #digests(asked: Readonly<Record<string, string | undefined>>): Record<string, string> {
    const { first } = this.#seals
    return Object.fromEntries(
      Object.entries(stated(asked)).map(([name, value]) => [
        name,
        first.digest(name, value.trim()),
      ]),
    )
  }

  async #show(links: readonly Link[]): Promise<void> {
    const { isTable, print, write } = this.#counter
    if (isTable) for (const line of tableOf(links)) await print(line)
    else for (const link of links) await write(Buffer.from(`${visibleJson(link)}\n`))
  }

  /** What could not be read may be what was looked for. */
  #warnOf({ condition }: WhoIsWho): void {
    const unread =
      condition.damaged.length +
      [...condition.unknownKeys.values()].reduce((sum, count) => sum + count, 0)
    if (unread > 0) process.stderr.write(unreadable(String(unread)))
  }

  async #tell(conflicts: readonly Conflict[]): Promise<void> {
    for (const { what, project, participants } of conflicts.slice(0, mostProblems)) {
      await this.#counter.print(
        visibleText(`wrong: ${what}: ${participants.join(' and ')} of project ${project}`),
      )
    }
  }
}

function unreadable(count: string): string {
  return `error: ${count} lines cannot be read\nhint: fiona-crosswalk verify says why\n`
}

function stated(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const there = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  return Object.fromEntries(there)
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'run fiona-crosswalk --help',
    exitCode: ExitCode.usage,
  })
}
