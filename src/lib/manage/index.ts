// The words of fiona-ctl, the same for whatever runs the chain.
export { explainProject, type Explanation } from './explain-project.ts'
export { migrate, type Migration } from './migrate/index.ts'
export { releaseStudy, type Release } from './release.ts'
export { manage, type Command } from './manage.ts'
export { refuseUnreadable } from './readable-destinations.ts'
