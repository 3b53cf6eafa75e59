import { readTrusted } from './trusted-file.ts'

const decisions = ['released', 'dropped', 'superseded'] as const

export type DecisionKind = (typeof decisions)[number]

/**
 * What was decided last about the study of a folder: `released by anna at 2026-…`; undefined where nothing was.
 * @throws FionaError E_REVIEW
 */
export async function pastDecision(folder: string, dataDir: string): Promise<string | undefined> {
  const past: { readonly time: string; readonly words: string }[] = []
  for (const kind of decisions) {
    const text = await readTrusted(folder, `${kind}.json`, dataDir)
    const facts = text === undefined ? undefined : factsOf(text, kind)
    if (facts === undefined) continue
    const { time, by, user } = facts
    const who = kind === 'superseded' ? '' : ` by ${String(by ?? user)}`
    past.push({ time: String(time), words: `${kind}${who} at ${String(time)}` })
  }
  return past.sort((a, b) => (a.time < b.time ? -1 : 1)).at(-1)?.words
}

function factsOf(text: string, kind: DecisionKind): Readonly<Record<string, unknown>> | undefined {
  try {
    const facts = (JSON.parse(text) as Partial<Record<DecisionKind, unknown>> | null)?.[kind]
    return typeof facts === 'object' && facts !== null
      ? (facts as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    return undefined
  }
}
