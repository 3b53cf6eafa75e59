import manifest from '../../../package.json' with { type: 'json' }

/** The version of this installation, from package.json. */
export const version: string = manifest.version

/** When this version's pages were written; changes with the version. */
export const versionDate = '2026-11-24'
