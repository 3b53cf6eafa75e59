/** What a pipeline may do before it is taken for one that goes on without end. */
export interface StageLimits {
  /** It may print so much before a mark comes out, or it ends; Infinity: as much as it likes. */
  readonly floodBytes: number
  /** It may keep what it was given so long without reading, writing or printing; Infinity: as long as it likes. */
  readonly stuckMs: number
}

/** `flood`: it printed more than may come of what it was given. `stuck`: it computed, or waited, without end. */
export type Runaway = 'flood' | 'stuck'
