/** Contrast of all text at least 7 to 1 (WCAG 2.2, 1.4.6), in both schemes; on paper black on white. */
export const styles = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --quiet: #4a4a4a; --line: #b8b8b8; --head: #f0f2f4; --mark: #7a1f00; --focus: #1a4fa0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f2f2f2; --paper: #16181a; --quiet: #c4c8cc; --line: #50565c; --head: #23272b; --mark: #ffb59a; --focus: #9cc3ff }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 90rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem } h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 .5rem }
p, .words { max-width: 50rem }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem 1.5rem; margin: 1rem 0 }
.facts div { display: flex; flex-direction: column-reverse; justify-content: flex-end }
.facts dt { color: var(--quiet) } .facts dd { margin: 0; font-size: 1.75rem; font-variant-numeric: tabular-nums }
.warning, .mark { color: var(--mark) }
.wide { overflow-x: auto }
.wide:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px }
table { border-collapse: collapse; width: 100%; min-width: 68rem; table-layout: fixed }
caption { text-align: left; color: var(--quiet); padding-bottom: .5rem }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid var(--line) }
thead th { background: var(--head) }
thead th:nth-child(1), thead th:nth-child(6) { width: 17% }
thead th:nth-child(2), thead th:nth-child(3) { width: 9% }
thead th:nth-child(4), thead th:nth-child(5) { width: 11% }
thead th:nth-child(7) { width: 10% }
td { font-variant-numeric: tabular-nums }
td div + div { margin-top: .15rem }
.uid { display: block; color: var(--quiet); font: .75em/1.4 ui-monospace, monospace }
.words dt { font-weight: 600; margin-top: .75rem } .words dd { margin: 0 }
@media screen and (max-width: 52rem) {
  table { min-width: 0 } table, caption, tbody, tr, th, td { display: block }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  tr { border-bottom: 1px solid var(--line); padding: .75rem 0 } th, td { border: 0; padding: .25rem 0 }
  td { padding-left: 8rem; min-height: 1.5rem; position: relative }
  td::before { content: attr(data-column); position: absolute; left: 0; width: 7.5rem; color: var(--quiet) }
}
@page { size: A4 landscape; margin: 12mm }
@media print {
  :root { font-size: 8.5pt; color-scheme: light; --ink: #000; --paper: #fff; --quiet: #333; --line: #888; --head: #fff; --mark: #000 }
  body { margin: 0; padding: 0; max-width: none } tr, .words div, .facts { break-inside: avoid } .facts { grid-template-columns: repeat(8, 1fr) } thead { display: table-header-group }
  h2 { break-after: avoid } .wide { overflow: visible } table { min-width: 0 } th, td { padding: .3rem .4rem }
}
`
