import type { Uid } from '../uid/index.ts'
import type { Report, Transaction, Transactions } from './transactions.ts'

/** By hand, without a data directory: for as long as the process lives, and for it alone. */
export class MemoryTransactions implements Transactions {
  readonly #open = new Map<Uid, { transaction: Transaction; report?: Report }>()
  #onReport: (TransactionUID: Uid) => void = () => undefined

  async begin(transaction: Transaction): Promise<void> {
    this.#open.set(transaction.TransactionUID, { transaction })
  }

  async report(TransactionUID: Uid, report: Report): Promise<boolean> {
    const found = this.#open.get(TransactionUID)
    if (found === undefined) return false
    found.report = report
    this.#onReport(TransactionUID)
    return true
  }

  async reportOf(TransactionUID: Uid): Promise<Report | undefined> {
    return this.#open.get(TransactionUID)?.report
  }

  async taken(TransactionUID: Uid): Promise<void> {
    const found = this.#open.get(TransactionUID)
    if (found !== undefined) found.transaction = { ...found.transaction, isTaken: true }
  }

  async find(TransactionUID: Uid): Promise<Transaction | undefined> {
    return this.#open.get(TransactionUID)?.transaction
  }

  async end(TransactionUID: Uid): Promise<void> {
    this.#open.delete(TransactionUID)
  }

  async open(owner: string): Promise<Transaction[]> {
    return [...this.#open.values()].flatMap(({ transaction }) =>
      transaction.owner === owner ? [transaction] : [],
    )
  }

  async watch(onReport: (TransactionUID: Uid) => void): Promise<void> {
    this.#onReport = onReport
  }
}
