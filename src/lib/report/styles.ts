/** Contrast of all text at least 7 to 1 (WCAG 2.2, 1.4.6), in both schemes; on paper black on white. */
export const styles = `
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --quiet: #4a4a4a; --line: #b8b8b8; --head: #f0f2f4; --mark: #7a1f00; --focus: #1a4fa0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f2f2f2; --paper: #16181a; --quiet: #c4c8cc; --line: #50565c; --head: #23272b; --mark: #ffb59a; --focus: #9cc3ff }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 90rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .5rem } h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 .5rem }
p, .words { max-width: 50rem }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1rem 0 }
.facts div { display: flex; flex-direction: column-reverse; max-width: 12rem }
.facts dt { color: var(--quiet) } .facts dd { margin: 0; font-size: 1.75rem; font-variant-numeric: tabular-nums }
.warning, td strong + div { color: var(--mark) }
.wide { overflow-x: auto }
.wide:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px }
table { border-collapse: collapse; width: 100%; min-width: 68rem; table-layout: fixed }
caption { text-align: left; color: var(--quiet); padding-bottom: .5rem }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; border-bottom: 1px solid var(--line) }
thead th { background: var(--head) }
thead th:nth-child(1), thead th:nth-child(6) { width: 18% }
thead th:nth-child(2) { width: 8% }
thead th:nth-child(3) { width: 9% }
thead th:nth-child(5) { width: 10% }
td { font-variant-numeric: tabular-nums }
td div + div { margin-top: .15rem }
.uid { display: block; color: var(--quiet); font: .75rem/1.4 ui-monospace, monospace }
.words dt { font-weight: 600; margin-top: .75rem } .words dd { margin: 0 }
@page { size: A4 landscape; margin: 12mm }
@media print {
  :root { color-scheme: light; --ink: #000; --paper: #fff; --quiet: #333; --line: #888; --head: #fff; --mark: #000 }
  body { font-size: 8.5pt; margin: 0; padding: 0; max-width: none } tr, .words div, .facts { break-inside: avoid } thead { display: table-header-group }
  h2 { break-after: avoid } .wide { overflow: visible } table { min-width: 0 } th, td { padding: .3rem .4rem }
}
`
