// How fiona-ctl and whatever runs the chain speak: a running `fiona up` by a socket that only its own
// user can open, systemd by systemctl. And what decides which doors are open: the original's three
// characters, and what was disabled.
export {
  closedEverywhere,
  closedParts,
  disabledDoors,
  setDisabled,
  wholeChain,
} from './closed-parts.ts'
export { type UnitPlaces, openUnits, usualPlaces } from './close-projects.ts'
export { readEnabled } from './enabled-file.ts'
export { ControlServer, type ControlRequest, type ControlAnswer } from './control-server.ts'
export { askChain, controlSocket } from './control-client.ts'
export { hasSystemd, Systemd, unitOf } from './systemd.ts'
export {
  isListening,
  partReports,
  siteStatus,
  stageReports,
  withPipelines,
  withReasons,
} from './site-status.ts'
export type { PartReport, SiteStatus, StageReport } from './status-schema.ts'
export { age, behind, diskTrouble, gib, troubleOf, wrapped } from './in-words.ts'
export { ChainLog } from './chain-log.ts'
export { statusScreen } from './status-screen.ts'
export { startChain } from './start-chain.ts'
