// Which processes make the standard chain, and what each is called: the one list that the supervisor,
// fiona-stage --standard and fiona-ctl read, so that a part has the same name under systemd and without.
export {
  doorPart,
  frontDoorsOf,
  indexPart,
  inboxPart,
  partNames,
  partsOf,
  portsOf,
  standardChain,
  standardStageNames,
  standardStages,
} from './standard-chain.ts'
export type { ChainParts, ChainProcess, FrontDoorOf, StandardStage } from './standard-chain.ts'
export { clearFailing, loadFailing, saveFailing, type FailingStage } from './failing-stage.ts'
