// Stands in for the package of this name in the bundles of tests. tap makes a domain for each test, to be told of what is
// thrown, or rejected, and not caught. The package keeps a list of every operation and promise of each test; here Node
// carries the test along by itself, which takes a fifth less time where promises are many.
import { AsyncLocalStorage } from 'node:async_hooks'

const domains = new AsyncLocalStorage()
let live = 0

export class Domain {
  #parent = domains.getStore()
  #isLive = true

  constructor(onerror) {
    this.onerror = onerror
    // tap makes it inside the async resource in which it runs the test.
    domains.enterWith(this)
    live++
    if (live === 1) process.on('uncaughtException', tell)
  }

  destroy() {
    if (!this.#isLive) return
    this.#isLive = false
    live--
    if (live === 0) process.removeListener('uncaughtException', tell)
  }

  /** It, or of those around it the first that has not ended. */
  get living() {
    return this.#isLive ? this : this.#parent?.living
  }
}

function tell(error, origin) {
  const domain = domains.getStore()?.living
  if (domain !== undefined) return domain.onerror(error, origin)
  process.removeListener('uncaughtException', tell)
  throw error
}
