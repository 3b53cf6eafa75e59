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

/** Where the original keeps everything unless DATADIR says otherwise. */
export const originalDataDir = '/data'

/** The original's classification rules, which lie in one folder with what reads them. */
export const originalRules = 'classifyRules.json'

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
  const sites = original['SITES']
  return {
    dataDir: text('DATADIR') ?? originalDataDir,
    receiver: present({ aeTitle: text('DICOMAETITLE'), port: number('DICOMPORT') }),
    ...(mpps === undefined ? {} : { mpps: { port: mpps } }),
    ...(sites === undefined ? {} : { projects: projectsOf(sites) }),
  }
}

/**
 * A receiver, port and tree for each extra project; one without a port takes part by the common one. What is no
 * object stays what it is, so that the validator refuses it.
 */
function projectsOf(sites: unknown): unknown {
  if (!isObject(sites)) return sites
  return Object.fromEntries(
    Object.entries(sites).map(([name, site]) => {
      if (!isObject(site)) return [name, site]
      const { text, number } = valuesOf(site)
      const port = number('DICOMPORT')
      const receiver = present({ port, aeTitle: text('DICOMAETITLE') })
      return [name, port === undefined ? {} : { receiver }]
    }),
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** An empty text is no value; what is neither text nor number stays what it is, for the validator to refuse. */
function valuesOf(original: Readonly<Record<string, unknown>>) {
  const text = (key: string): unknown => {
    const value = original[key]
    return value === '' || value === null ? undefined : value
  }
  // What is no number stays text, so that the validator refuses it.
  const number = (key: string): unknown => {
    const value = text(key)
    return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  }
  return { text, number }
}
