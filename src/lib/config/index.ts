// fiona.yaml (or JSON), validated before anything starts: every mistake with its line and the remedy.
export { isOpenToOthers } from './credential.ts'
export { readGuardedFile, type UnfitFile } from './guarded-file.ts'
export { readSecret, readSecretFile } from './secret-file.ts'
export { loadConfig, loadOriginal } from './load.ts'
export type { Config, DestinationConfig, OriginalConfig, ProjectConfig } from './load.ts'
export { originalRules } from './original.ts'
export { readPlaces, type Places } from './places.ts'
export { usualDefault } from './default-project.ts'
