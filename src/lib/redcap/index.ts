// REDCap as sites use it: what arrived is written there, what people ask for there is requested, and what became of it is
// written back. What waits to be written is kept on disk; no answer of the chain waits for REDCap.
export { checkProject, expectations, type ProjectCheck } from './check-projects.ts'
export { dictionaries, dictionaryCsv } from './dictionary.ts'
export {
  type Between,
  type OpenedProjects,
  openProjects,
  type RedcapConfig,
  redcapSource,
  rememberedSource,
} from './open-redcap.ts'
export { loadState, type SourceState } from './source-state.ts'
export { recordExchanges, replayExchanges } from './exchanges.ts'
export { uploadCouplings } from './upload-couplings.ts'
export { showChecks, showStatus, showTables, sourceDirectory } from './show.ts'
