/** How a process ended: `null` and `null` when it never came to run. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What happens to a part of the chain, as far as its supervisor knows. */
export type PartEvent = { readonly part: string } & (
  | { readonly event: 'starting' }
  /** Its process runs. Whether it does its work already only itself knows. */
  | { readonly event: 'started'; readonly pid: number }
  | ({
      readonly event: 'died'
      /** How it ended, and what it said at that. */
      readonly lastError: string
    } & Ending)
  | { readonly event: 'restarting'; readonly inSeconds: number }
  /** Said once, until it has recovered. */
  | { readonly event: 'crashLoop'; readonly lastError: string; readonly hint?: string }
  /** It was in a crash loop, and has stayed up since. */
  | { readonly event: 'recovered' }
  | { readonly event: 'stopping' }
  | ({ readonly event: 'stopped' } & Ending)
)
