import { DicomFile, type ParseOptions } from '../dicom/index.ts'
import { FionaError } from '../error/index.ts'
import type { ByteBudget } from './byte-budget.ts'
import { CommandField } from './command-set.ts'
import type { Answer, DataSetConsumer, Operation } from './service.ts'
import { Status } from './status.ts'

export interface CollectOptions {
  /** A longer data set is refused with 0x0213; so is one that inflates to more. */
  readonly maxBytes: number
  /** Elements and items: each takes some hundred bytes of memory, however short it is. */
  readonly maxParts: number
  /** How it is read, where the service does not want all of it at once. */
  readonly parse?: Pick<ParseOptions, 'topLevelOnly' | 'itemByItem'>
  /** Shared with other associations; what it cannot give is refused with 0x0213, too. */
  readonly budget?: ByteBudget
}

/** What N-services say of a data set that is none (PS3.7 10.1): its attributes, or the whole argument, are invalid. */
const damaged: Readonly<Record<number, number>> = {
  [CommandField.NCreateRequest]: Status.invalidAttributeValue,
  [CommandField.NSetRequest]: Status.invalidAttributeValue,
}

/**
 * Holds the data set of an operation in memory and hands it over parsed, for services that act on what it
 * says. Large, damaged or interrupted ones never reach the service.
 */
export class DataSetCollector implements DataSetConsumer {
  readonly #operation: Operation
  readonly #options: CollectOptions
  readonly #perform: (dataSet: DicomFile) => Answer | Promise<Answer>
  #held = Buffer.alloc(0)
  #bytes = 0
  #isTooMuch = false

  /**
   * @param perform the data set is closed when the promise settles. It may let E_DICOM_PARSE and
   *   E_DICOM_LIMIT of its values through, and nothing else
   */
  constructor(
    operation: Operation,
    options: CollectOptions,
    perform: (dataSet: DicomFile) => Answer | Promise<Answer>,
  ) {
    this.#operation = operation
    this.#options = options
    this.#perform = perform
  }

  write(bytes: Buffer): undefined {
    if (this.#isTooMuch) return
    if (!this.#makeRoom(this.#bytes + bytes.length)) {
      this.#isTooMuch = true
      this.#release()
      return
    }
    this.#bytes += bytes.copy(this.#held, this.#bytes)
  }

  async finish(): Promise<Answer> {
    if (this.#isTooMuch) {
      return { status: Status.resourceLimitation, comment: 'the data set is longer than we take' }
    }
    const { command, context } = this.#operation
    const { maxBytes, maxParts, parse } = this.#options
    try {
      const bytes = this.#held.subarray(0, this.#bytes)
      using dataSet = DicomFile.fromDataSet(bytes, context.transferSyntax, {
        ...parse,
        maxInflatedBytes: maxBytes,
        maxParts,
      })
      return await this.#perform(dataSet)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      if (error.code === 'E_DICOM_LIMIT') {
        return { status: Status.resourceLimitation, comment: 'the data set exceeds all limits' }
      }
      if (error.code !== 'E_DICOM_PARSE') throw error
      const status = damaged[command.CommandField] ?? Status.invalidArgumentValue
      return { status, comment: 'the data set is damaged' }
    } finally {
      this.#release()
    }
  }

  async abandon(): Promise<void> {
    this.#release()
  }

  /** Grows by doubling, so that a data set that drips in costs no more than one that pours. */
  #makeRoom(bytes: number): boolean {
    if (bytes <= this.#held.length) return true
    const { maxBytes, budget } = this.#options
    if (bytes > maxBytes) return false
    const wanted = Math.min(maxBytes, Math.max(bytes, 2 * this.#held.length, 4096))
    if (budget?.take(wanted - this.#held.length) === false) return false
    const grown = Buffer.allocUnsafeSlow(wanted)
    this.#held.copy(grown, 0, 0, this.#bytes)
    this.#held = grown
    return true
  }

  #release(): void {
    this.#options.budget?.giveBack(this.#held.length)
    this.#held = Buffer.alloc(0)
    this.#bytes = 0
  }
}
