// What de-identification did, study by study, for people who answer for it. Made from the journal `outbox` alone, which
// lies behind the privacy boundary: there is no original value in it, and so there is none here.
export { readAccounts } from './read-accounts.ts'
export { pageOf } from './report-page.ts'
export { writeReport, type ReportOptions } from './write-report.ts'
