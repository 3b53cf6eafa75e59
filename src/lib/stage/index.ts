// A shell pipeline between two journals. It is fed from a saved cursor with marks between the records;
// a mark that comes out says that everything before it has taken effect, and moves the cursor. The stage
// itself holds nothing that a kill could take: the journals and the cursor are all there is.
export { runStage } from './stage.ts'
export type { StageOptions } from './stage-options.ts'
