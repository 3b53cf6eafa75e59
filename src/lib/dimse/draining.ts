import type { Answer, DataSetConsumer } from './service.ts'

/** Hears a data set out that is refused already, because the answer is due only behind it. */
export class Draining implements DataSetConsumer {
  readonly #answer: Answer

  constructor(answer: Answer) {
    this.#answer = answer
  }

  write(): undefined {
    // Nobody wants these bytes.
  }

  async finish(): Promise<Answer> {
    return this.#answer
  }

  async abandon(): Promise<void> {
    // Nothing was kept.
  }
}
