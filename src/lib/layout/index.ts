/**
 * What a view looks like: the path of an object as a template, `sites/{PatientID}/{StudyDate}/{SOPInstanceUID}.dcm`.
 * Read once, where it is written (configuration, command line), with every mistake told; its names come from
 * objects, and whatever those say, each is one component and belongs to one text.
 */
export { isLayout, readLayout, readLayouts, type NoLayout } from './read-layout.ts'
export type { Layout, LayoutNames, LayoutValues, OwnerLevel } from './layout.ts'
export { fieldsOfLayout, namesOf } from './layout.ts'
export { participantsLayout, reportsLayout } from './standard-layouts.ts'
