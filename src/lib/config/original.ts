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

const originalKeys: Readonly<Record<string, string>> = {
  '/dataDir': 'DATADIR',
  '/receiver/aeTitle': 'DICOMAETITLE',
  '/receiver/port': 'DICOMPORT',
  '/mpps/port': 'MPPSPORT',
}

/** Where in the original's file the value came from that ours has at this place (JSON Pointer). */
export function originalPlace(place: string): string {
  const key = originalKeys[place]
  if (key !== undefined) return `/${key}`
  return place
    .replace(/^\/projects(?=\/|$)/, '/SITES')
    .replace(
      /^(\/SITES\/[^/]+)\/receiver(?:\/(port|aeTitle))?$/,
      (_, site: string, field?: string) =>
        field === undefined ? site : `${site}/${field === 'port' ? 'DICOMPORT' : 'DICOMAETITLE'}`,
    )
}

/** What the original's keys mean in ours; keys of parts that we configure elsewhere are left alone. */
export function fromOriginal(original: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { text, number } = valuesOf(original)
  const mpps = number('MPPSPORT')
  return {
    dataDir: text('DATADIR') ?? '/data',
    receiver: present({ aeTitle: text('DICOMAETITLE'), port: number('DICOMPORT') }),
    ...(mpps === undefined ? {} : { mpps: { port: mpps } }),
    projects: projectsOf(original['SITES']),
  }
}

/** A receiver, port and tree for each extra project; one without a port takes part by the common one. */
function projectsOf(sites: unknown): Record<string, unknown> {
  if (typeof sites !== 'object' || sites === null) return {}
  return Object.fromEntries(
    Object.entries(sites).flatMap(([name, site]) => {
      if (typeof site !== 'object' || site === null) return []
      const { text, number } = valuesOf(site as Record<string, unknown>)
      const port = number('DICOMPORT')
      const receiver = present({ port, aeTitle: text('DICOMAETITLE') })
      return [[name, port === undefined ? {} : { receiver }]]
    }),
  )
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function valuesOf(original: Readonly<Record<string, unknown>>) {
  const text = (key: string): string | undefined => {
    const value = original[key]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  // What is no number stays text, so that the validator refuses it.
  const number = (key: string): number | string | undefined => {
    const value = text(key)
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : value
  }
  return { text, number }
}
