/**
 * Modality Performed Procedure Step (PS3.4 annex F), as SCP. A modality says that a step begins
 * (N-CREATE), what it has made so far and that it is over (N-SET); each change becomes a record and is kept
 * in the step's file before the modality hears of success. The rules are functions on data sets
 * (`step-rules.ts`) and know neither associations nor disks.
 */
export { MODALITY_PERFORMED_PROCEDURE_STEP, MppsScp, type MppsScpOptions } from './mpps-scp.ts'
export { StepStore } from './step-store.ts'
export { Steps, type StepsOptions } from './steps.ts'
