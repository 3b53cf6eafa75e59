import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../fixtures/peers.ts'

/** Where each code stands in the sources, as a text of its own. */
function codesInSource(): Map<string, string> {
  const found = new Map<string, string>()
  for (const file of readdirSync(join(projectRoot, 'src'), { recursive: true }).map(String)) {
    if (!file.endsWith('.ts') || file.includes('generated')) continue
    const lines = readFileSync(join(projectRoot, 'src', file), 'utf8').split('\n')
    lines.forEach((line, at) => {
      for (const [, code = ''] of line.matchAll(/['"`](E_[A-Z0-9_]+)['"`]/g)) {
        if (!found.has(code)) found.set(code, `src/${file}:${String(at + 1)}`)
      }
    })
  }
  return found
}

const page = readFileSync(join(projectRoot, 'docs/errors.md'), 'utf8')
const rows = [...page.matchAll(/^\| `(E_[A-Z0-9_]+)` \|(.*)\|$/gm)].map(
  ([, code = '', rest = '']) => ({
    code,
    cells: rest.split('|').map((cell) => cell.trim()),
  }),
)

t.test('every code of the sources is explained in docs/errors.md', async (t) => {
  const explained = new Set(rows.map(({ code }) => code))
  const missing = [...codesInSource()].filter(([code]) => !explained.has(code))
  t.same(
    missing.map(
      ([code, where]) => `add to docs/errors.md: | \`${code}\` | … | … | … |   (${where})`,
    ),
    [],
  )
})

t.test('docs/errors.md explains no code that the sources do not have', async (t) => {
  const known = codesInSource()
  t.same(
    rows
      .filter(({ code }) => !known.has(code))
      .map(({ code }) => `remove from docs/errors.md: ${code}`),
    [],
  )
})

t.test('each code has one row: what it means, what to do, the exit code', async (t) => {
  const codes = rows.map(({ code }) => code)
  t.same(
    codes.filter((code, at) => codes.indexOf(code) !== at),
    [],
    'twice',
  )
  for (const { code, cells } of rows) {
    t.equal(cells.length, 3, `${code} has four cells`)
    t.ok((cells[0] ?? '').length > 10 && (cells[1] ?? '').length > 10, code)
    t.match(cells[2], /^(0|1|64|65|69|70|73|74|75|77|78)(, (1|64|65|69|70|73|74|75|77|78))*$/, code)
  }
})
