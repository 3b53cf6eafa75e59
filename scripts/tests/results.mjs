// What the report of a test file (TAP) says: a test is a top-level `t.test`, or an assertion outside of any.
const point =
  /^(not ok|ok) \d+(?: - (.*?))?(?: # (?:time=[\d.]+m?s)?\s*(?:(SKIP|TODO)(.*))?)?(?: \{)?$/i

/**
 * `{ tests: [{ name, verdict, explanation }], planned, unfinished }`: planned is undefined when the file did not come to its
 * end, unfinished is what failed in a test that did not.
 */
export function readResults(report) {
  const tests = []
  let planned
  let explanation = []
  let explaining = false
  for (const line of report.split('\n')) {
    const result = point.exec(line)
    if (result !== null) {
      const [, said, name = '', skip] = result
      const verdict = skip ? 'skipped' : said === 'ok' ? 'passed' : 'failed'
      tests.push({ name, verdict, explanation: verdict === 'failed' ? explanation : [] })
      explanation = []
      explaining = false
      continue
    }
    const plan = /^1\.\.(\d+)/.exec(line)
    if (plan) planned = Number(plan[1])
    // Of an assertion that failed: its line and the block behind it.
    if (/^ {4,}not ok/.test(line)) explaining = true
    if (explaining) explanation.push(line)
    if (/^ +\.\.\.$/.test(line)) explaining = false
  }
  return { tests, planned, unfinished: explanation }
}
