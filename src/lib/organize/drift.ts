import { nowIso } from '../record/index.ts'

/**
 * missing: should be there and is not · wrong: a link that says another thing than it should · dangling: a link whose
 * object is gone · surplus: nothing in the archive asks for it · blocked: something else is in its place ·
 * unreadable: a series JSON that is none · differs: a series JSON that says another thing than the objects
 */
export const driftKinds = [
  'missing',
  'wrong',
  'dangling',
  'surplus',
  'blocked',
  'unreadable',
  'differs',
] as const
export type DriftKind = (typeof driftKinds)[number]

/** One thing in the views that is not as the archive would have it. Paths may hold names of patients. */
export interface Drift {
  readonly type: 'drift'
  readonly v: 1
  readonly time: string
  readonly project: string
  /** The folder of the view: raw, participants, srs, or that of a layout. */
  readonly view: string
  readonly drift: DriftKind
  readonly path: string
  /** What the link should say, or the field. */
  readonly expected?: string
  /** What it says. */
  readonly found?: string
  /** Of a series JSON that differs. */
  readonly field?: string
}

/** What was wrong with the object itself, so that its views could not be judged. */
export interface Unjudged {
  readonly path: string
  readonly error: unknown
}

/** Undefined where something was looked at and is right: whoever asks may look at the clock then. */
export type Finding = Drift | Unjudged | undefined

export function drift(of: Omit<Drift, 'type' | 'v' | 'time'>): Drift {
  return { type: 'drift', v: 1, time: nowIso(), ...of }
}
