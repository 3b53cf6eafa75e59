// The original FIONA's config.json, read in place of fiona.yaml: all values are strings there.

/** Told apart by its upper-case keys. */
export function isOriginalConfig(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['DICOMPORT', 'DICOMAETITLE', 'DICOMIP', 'DATADIR', 'SITES'].some((key) =>
      Object.hasOwn(value, key),
    )
  )
}

/** By the place in ours: the key of the original that its value came from. */
export const originalKeys: Readonly<Record<string, string>> = {
  '/dataDir': 'DATADIR',
  '/receiver/aeTitle': 'DICOMAETITLE',
  '/receiver/port': 'DICOMPORT',
  '/mpps/port': 'MPPSPORT',
}

/** What the original's keys mean in ours; keys of parts that we configure elsewhere are left alone. */
export function fromOriginal(original: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = (key: string): string | undefined => {
    const value = original[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  // What is no number stays text, so that the validator refuses it.
  const number = (key: string): number | string | undefined => {
    const value = text(key)
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : value
  }
  const receiver = { aeTitle: text('DICOMAETITLE'), port: number('DICOMPORT') }
  const mpps = number('MPPSPORT')
  return {
    dataDir: text('DATADIR') ?? '/data',
    receiver: Object.fromEntries(
      Object.entries(receiver).filter(([, value]) => value !== undefined),
    ),
    ...(mpps === undefined ? {} : { mpps: { port: mpps } }),
  }
}
