// Everything that would go wrong later, found now: one check a file, each a function from the
// configuration to findings. Nothing is changed and nothing is sent but a C-ECHO.
export { checkSite } from './check-site.ts'
export type { Finding, Level } from './finding.ts'
