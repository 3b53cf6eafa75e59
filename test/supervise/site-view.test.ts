import t from 'tap'
import { renderLine } from '../../src/lib/cli/screen-line.ts'
import type { SiteView } from '../../src/lib/supervise/site-view.ts'
import { siteLines } from '../../src/lib/supervise/site-view.ts'

const since = new Date().toISOString()
const names = ['deliver', 'deidentify', 'organize', 'front-door', 'receiver']

function site(more: Partial<SiteView> = {}): SiteView {
  return {
    dataDir: '/var/lib/fiona',
    since,
    state: 'running',
    parts: names.map((name) => ({ name, state: 'running', since, restarts: 0 })),
    stages: [{ name: 'organize', lag: 120, oldest: since }],
    ports: new Map([['receiver', 11112]]),
    counts: {
      ...{ objects: 12_345, objectsPerSecond: 210.4, bytesPerSecond: 42e6, errors: 0 },
      ...{ studies: 40, again: 1, held: 2, deliveries: 39, undelivered: 1 },
      ...{ delivered: 11_900, deliveredPerSecond: 1.25 },
    },
    disk: { freeBytes: 2 ** 40, reserveBytes: 2 ** 30 },
    wrong: [],
    trouble: [],
    introduction: ['Send a study to AE title FIONA, port 11112'],
    logPath: '/var/lib/fiona/log/chain.log',
    ...more,
  }
}

function shown(view: SiteView, rows: number, columns = 100): string[] {
  return siteLines(view, { rows, columns }).map((line) => renderLine(line, columns, false))
}

t.test('each thing an operator asks for has its place', (t) => {
  const text = shown(site(), 30).join('\n')
  t.match(text, 'received 12,345 objects (210/s, 42.0 MB/s)')
  t.match(text, /complete 40 studies \(1 again\) {2}held 2\n/)
  t.match(text, 'delivered 38 studies, 11,900 objects (1.3/s)  not delivered 1')
  t.match(text, 'disk 1024.0 GiB free, 1.0 GiB kept in reserve')
  t.match(text, /organize +running +\d+ s +0 +120 \(\d+ s\)/)
  t.match(text, /receiver :11112 +running/)
  t.match(text, /chain\.log$/)
  t.end()
})

t.test('where there is no room, what is not well stays', (t) => {
  const failing = {
    name: 'organize',
    state: 'failing' as const,
    since,
    restarts: 7,
    lastError: 'exit code 78',
  }
  const parts = names.map((name) =>
    name === 'organize' ? failing : { name, state: 'running' as const, since, restarts: 0 },
  )
  const wrong = ['organize is failing: exit code 78; correct the configuration']
  const trouble = [{ time: since, text: 'fiona-send: warning: nobody answers', times: 3 }]
  const view = site({ parts, wrong, trouble })
  for (let rows = 0; rows < 40; rows++) {
    for (const columns of [20, 60, 80, 200]) {
      const lines = siteLines(view, { rows, columns })
      t.ok(rows < 12 || lines.length <= rows, `${String(lines.length)} lines for ${String(rows)}`)
    }
  }
  const few = shown(view, 10, 80).join('\n')
  t.match(few, /^FIONA {2}something is wrong/)
  t.match(few, /organize +failing +\d+ s +7/)
  t.match(few, '! organize is failing: exit code 78; correct the configuration')
  t.match(few, 'and 2 more')
  t.match(shown(view, 30).join('\n'), '(3 times) fiona-send: warning: nobody answers')
  t.end()
})

t.test('what a terminal would obey is shown, not sent', (t) => {
  const line = [['a\u001b[2Jb\u009bc\nd\te\u202ef\u007f'] as const]
  t.equal(renderLine(line, 40, true), 'a?[2Jb?c?d e?f?')
  t.equal(renderLine([['ä€😀x']], 3, false), 'ä€…', 'cut between characters')
  t.equal(renderLine([['ab', 'bad'], ['cd']], 3, true), '\u001b[31mab\u001b[0m…')
  t.end()
})
