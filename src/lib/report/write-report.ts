import { ExitCode, FionaError } from '../error/index.ts'
import { nowIso } from '../record/index.ts'
import { readAccounts } from './read-accounts.ts'
import { pageOf } from './report-page.ts'

export interface ReportOptions {
  readonly format: 'html' | 'json'
  readonly project: string | undefined
  readonly since: string | undefined
  readonly signal: AbortSignal
  readonly write: (bytes: Buffer) => Promise<void>
}

/** @throws FionaError E_USAGE */
export async function writeReport(
  dataDir: string,
  { format, project, since, signal, write }: ReportOptions,
): Promise<number> {
  if (since !== undefined && !/^\d{4}(-\d\d(-\d\d(T[\d:.]+Z?)?)?)?$/.test(since)) {
    throw new FionaError('E_USAGE', `--since does not understand ${JSON.stringify(since)}`, {
      hint: 'write 2026, 2026-11, 2026-11-24 or 2026-11-24T13:01:05Z',
      exitCode: ExitCode.usage,
    })
  }
  const accounts = await readAccounts(dataDir, { project, since, signal })
  if (format === 'html') {
    for (const part of pageOf(accounts, { project, since, time: nowIso() }))
      await write(Buffer.from(part))
  } else {
    for (const report of accounts.reports) await write(Buffer.from(`${JSON.stringify(report)}\n`))
  }
  return ExitCode.ok
}
