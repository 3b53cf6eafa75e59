/**
 * The archive is kept by UIDs, for machines. This room makes the views people work in: links by
 * patient, date and description, the `raw` tree by UIDs that scripts of the original know, and a JSON
 * beside each series. Names come from the objects, so every one is hostile until escaped.
 */
export { walkArchives, type Archived } from './archive-walk.ts'
export { ArchivedViews } from './archived-views.ts'
export { checkViews, noDrift } from './check-views.ts'
export { chooseViews } from './choose-views.ts'
export type { Drift } from './drift.ts'
export { Organizer } from './organizer.ts'
export type { ProjectViews } from './project-views.ts'
export { rebuildViews, type RebuildCounts } from './rebuild.ts'
export { rebuildProgress } from './rebuild-progress.ts'
