import type { ProjectConfig } from '../../config/index.ts'
import type { IdentityTerms } from '../search/known-identity.ts'
import type { Share } from './share.ts'
import type { SourceObject } from './source-objects.ts'

/** What a partner is started with: it reads the same profiles as this process did. */
export interface PartnerSetup {
  readonly projects: Readonly<Record<string, ProjectConfig>>
  readonly override: { readonly profile?: string | undefined; readonly iKnow?: boolean | undefined }
  readonly uidRoot: string
}

/** The study that is shared. */
export interface SharedStudy {
  readonly StudyInstanceUID: string
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
  readonly requestId: string
  readonly key: Uint8Array
  /** What the request itself wants left out. */
  readonly exclude: readonly Readonly<Record<string, string>>[]
  /** A partner that has read another profile does nothing. */
  readonly profileDigest: string
  readonly durable: boolean
  readonly outbox: string
  readonly staged: string
  readonly final: string
  readonly isLater: boolean
  readonly given: readonly string[]
}

export type PartnerQuestion =
  | { readonly ask: 'begin'; readonly study: SharedStudy }
  | { readonly ask: 'make'; readonly sources: readonly SourceObject[] }
  /** All that was asked for is written. */
  | { readonly ask: 'finish' }
  | { readonly ask: 'search'; readonly terms: IdentityTerms; readonly paths: readonly string[] }

/** What was found in outputs, by their paths; undefined for one that cannot be read. */
export type Findings = ReadonlyMap<string, readonly string[] | undefined>

export type PartnerAnswer = { readonly done: Share | Findings | undefined } | 'failed'
