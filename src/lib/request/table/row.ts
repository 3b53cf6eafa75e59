/** What a row may be found by; each that it has must fit. */
export const keyKeywords = ['StudyInstanceUID', 'AccessionNumber', 'PatientID'] as const
export type KeyKeyword = (typeof keyKeywords)[number]

export interface Row {
  readonly line: number
  readonly keys: Readonly<Partial<Record<KeyKeyword, string>>>
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
  /** `YYYY-MM-DD`, where the table says since when it holds. */
  readonly date: string | undefined
}

/** Two rows with the same text say the same. */
export function identityOf({ keys, project, participant, event, date }: Row): string {
  return JSON.stringify([
    ...keyKeywords.map((keyword) => keys[keyword] ?? ''),
    project,
    participant,
    event ?? '',
    date ?? '',
  ])
}
