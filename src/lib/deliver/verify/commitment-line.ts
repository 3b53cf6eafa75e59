import { TransferSyntax } from '../../dicom/index.ts'
import { type Association, statusMeaning } from '../../dimse/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import {
  REQUEST_STORAGE_COMMITMENT,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
  type Transaction,
  type Transactions,
  encodeRequest,
  hearReport,
} from '../../transaction/index.ts'
import { openPeer } from '../open-peer.ts'
import { statusInWords } from '../status-in-words.ts'

/** A peer that reports on the association of the question does so soon, or opens one when it is ready. */
const longestHoldMs = 20_000
const transferSyntaxes = [
  TransferSyntax.ExplicitVRLittleEndian,
  TransferSyntax.ImplicitVRLittleEndian,
]

export interface LineOptions {
  readonly peer: Omit<Parameters<typeof openPeer>[0], 'contexts' | 'signal'>
  readonly transactions: Transactions
}

/**
 * The association on which a destination is asked for storage commitment (PS3.4 J.3.2). It stays open for a
 * moment behind each question, for destinations that report on it; one that is open serves the next question,
 * too, so there is never more than one.
 */
export class CommitmentLine {
  readonly #options: LineOptions
  #association: Association | undefined
  /** Ends the listening. */
  #pause = new AbortController()
  #listening: Promise<void> = Promise.resolve()

  constructor(options: LineOptions) {
    this.#options = options
  }

  /**
   * When it resolves the destination will report.
   * @param signal ends the association, too
   * @throws FionaError E_NOT_COMMITTED when it refuses, or as `openPeer`
   */
  async ask(transaction: Transaction, signal: AbortSignal): Promise<void> {
    await this.#stopListening()
    const held = this.#association
    this.#association = undefined
    if (held !== undefined && failureOf(held) === undefined) {
      try {
        await this.#askOn(held, transaction)
        return
      } catch (error) {
        // It may have gone the moment before.
        const failure = failureOf(held)
        if (failure === undefined || failure.code === 'E_STOPPED') throw error
      }
    }
    const association = await openPeer({
      ...this.#options.peer,
      contexts: [{ abstractSyntax: STORAGE_COMMITMENT, transferSyntaxes }],
      signal,
    })
    association.onEvent((event) => hearReport(event, this.#options.transactions))
    await this.#askOn(association, transaction)
  }

  async close(): Promise<void> {
    await this.#stopListening()
    await this.#association?.release()
    this.#association = undefined
  }

  async #askOn(association: Association, transaction: Transaction): Promise<void> {
    const syntax = transferSyntaxes.find((one) => association.accepted(STORAGE_COMMITMENT, one))
    if (syntax === undefined) {
      await association.release()
      throw notOffered(association.peer)
    }
    const { status, errorComment } = await association.action(
      {
        SOPClassUID: STORAGE_COMMITMENT,
        SOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
        ActionTypeID: REQUEST_STORAGE_COMMITMENT,
        information: encodeRequest(transaction, syntax),
      },
      syntax,
    )
    this.#association = association
    this.#listening = this.#listen(association)
    const { kind, retryable } = statusMeaning(status)
    if (kind === 'success' || kind === 'warning') return
    throw refused(association.peer, status, errorComment, retryable)
  }

  async #listen(association: Association): Promise<void> {
    const pause = new AbortController()
    this.#pause = pause
    let isLongEnough = false
    const holdMs = Math.min(longestHoldMs, this.#options.peer.timeoutSeconds * 900)
    const patience = setTimeout(() => {
      isLongEnough = true
      pause.abort()
    }, holdMs)
    try {
      await association.listen(pause.signal)
      if (!isLongEnough) return
      this.#association = undefined
      await association.release()
    } catch (error) {
      // The destination has left, or was not understood: it reports on an association of its own.
      this.#association = undefined
      if (!(error instanceof FionaError)) throw error
    } finally {
      clearTimeout(patience)
    }
  }

  async #stopListening(): Promise<void> {
    this.#pause.abort()
    await this.#listening
  }
}

/** It may change at any time. */
function failureOf({ failure }: Association): FionaError | undefined {
  return failure
}

function notOffered(peer: string): FionaError {
  return new FionaError('E_NOT_COMMITTED', `${peer} does not offer storage commitment`, {
    hint: 'enable it there for our AE title, or set verify: find or verify: none',
    exitCode: ExitCode.unavailable,
  })
}

function refused(
  peer: string,
  status: number,
  comment: string | undefined,
  retryable: boolean,
): FionaError {
  return new FionaError(
    'E_NOT_COMMITTED',
    `${peer} answered the request for storage commitment with ${statusInWords(status, comment)}`,
    {
      hint: 'is our AE title known there, and storage commitment enabled for it?',
      retryable,
      exitCode: ExitCode.unavailable,
    },
  )
}
