/** What is wrong with a rule or a pattern of the configuration, to be said behind the keys that lead to it. */
export class Mistake extends Error {
  readonly keys: readonly string[]

  constructor(keys: readonly string[], message: string) {
    super(message)
    this.keys = keys
  }
}
