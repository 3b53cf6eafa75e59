/** Contrast of all text at least 7 to 1 (WCAG 2.2, 1.4.6), in both schemes; on paper black on white. */
export const styles = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --quiet: #4a4a4a; --line: #b8b8b8; --head: #f0f2f4; --mark: #7a1f00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f2f2f2; --paper: #16181a; --quiet: #c4c8cc; --line: #50565c; --head: #23272b; --mark: #ffb59a }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.75rem; margin: 0 0 .5rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem }
p { max-width: 50rem }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1rem 0 }
.facts div { display: flex; flex-direction: column-reverse }
.facts dt { color: var(--quiet) } .facts dd { margin: 0; font-size: 1.75rem; font-variant-numeric: tabular-nums }
.warning, td strong + div { color: var(--mark) }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid var(--line) }
thead th { background: var(--head); white-space: nowrap }
td { font-variant-numeric: tabular-nums }
td:nth-child(3) { white-space: nowrap }
.uid { display: block; color: var(--quiet); font: .75rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
.words dt { font-weight: 600; margin-top: .75rem } .words dd { margin: 0 }
@media print {
  :root { --ink: #000; --paper: #fff; --quiet: #333; --line: #888; --head: #fff; --mark: #000 }
  body { font-size: 9pt; margin: 0; max-width: none } tr { break-inside: avoid } thead { display: table-header-group } .wide { overflow: visible }
}
`
