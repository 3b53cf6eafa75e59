import type { Database } from '../../sqlite/index.ts'

interface Statement {
  get(...values: readonly unknown[]): unknown
  all(...values: readonly unknown[]): unknown[]
  run(...values: readonly unknown[]): unknown
  iterate(...values: readonly unknown[]): Iterable<unknown>
}

/** What is asked of a database, each question prepared once. */
export class Statements {
  readonly #database: Database
  readonly #prepared = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
  }

  get(sql: string, ...values: readonly unknown[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values) as Record<string, unknown> | undefined
  }

  all<Row = Record<string, unknown>>(sql: string, ...values: readonly unknown[]): readonly Row[] {
    return this.#statement(sql).all(...values) as Row[]
  }

  /** One after the other; nothing else may be asked meanwhile. */
  iterate<Row = Record<string, unknown>>(
    sql: string,
    ...values: readonly unknown[]
  ): Iterable<Row> {
    return this.#statement(sql).iterate(...values) as Iterable<Row>
  }

  run(sql: string, ...values: readonly unknown[]): void {
    this.#statement(sql).run(...values)
  }

  #statement(sql: string): Statement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}
