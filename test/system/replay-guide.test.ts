// docs/replay.md as a reader follows it: its example, block by block, on a site that really had the problem.
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { missing, projectRoot, run } from '../fixtures/peers.ts'

const separator = '== end of a block =='

interface Block {
  readonly commands: string
  /** What the guide says comes out; undefined where it says nothing. */
  readonly output: string | undefined
}

/** Indented lines are commands, the fenced text behind them what they print. */
function blocksOf(markdown: string, firstHeading: string): Block[] {
  const text = markdown.slice(markdown.indexOf(firstHeading))
  const pattern = /(?:^|\n)\n((?: {4}.*\n|\n(?= {4}))+)(?:\n```text\n([^]*?)```)?/g
  return [...text.matchAll(pattern)].map(([, commands = '', output]) => ({
    commands: commands.replaceAll(/^ {4}/gm, ''),
    output,
  }))
}

t.test(
  'each command of the worked example works, and prints what the guide says',
  { skip: missing('jq', 'tar') },
  async (t) => {
    const root = mkdtempSync(join(tmpdir(), 'fiona-replay-'))
    t.teardown(() => rmSync(root, { recursive: true, force: true }))
    const folder = join(root, 'in')
    mkdirSync(folder)
    for (const [study, objects] of [
      ['2.25.1001', 3],
      ['2.25.1002', 2],
    ] as const) {
      for (let n = 1; n <= objects; n++) {
        const sopUID = `${study}.1.${String(n)}`
        const object = ctImage({
          studyUID: study,
          seriesUID: `${study}.1`,
          sopUID,
          instanceNumber: n,
        })
        writeFileSync(join(folder, `${sopUID}.dcm`), object)
      }
    }
    writeFileSync(join(root, 'key'), randomBytes(32), { mode: 0o600 })
    writeFileSync(
      join(root, 'rules.json'),
      JSON.stringify([
        { type: 'CT', rules: [{ tag: ['Modality'], value: '^CT$' }] },
        {
          type: 'thin',
          rules: [{ tag: ['SeriesDescription'], operator: 'contains', value: 'axial' }],
        },
      ]),
    )
    writeFileSync(
      join(root, 'fiona.json'),
      JSON.stringify({
        dataDir: join(root, 'data'),
        deidentification: { keyFile: join(root, 'key') },
      }),
    )
    const bash = (script: string) =>
      run('bash', ['-c', `set -euo pipefail\n${script}`], {
        cwd: root,
        env: { FIONA_CONFIG: join(root, 'fiona.json') },
      })

    // The site: objects come one by one, so that their times differ, and go through its chain.
    const site = await bash(`
      for file in in/*.dcm; do fiona-import --journal received "$file"; done
      fiona-journal cat received | fiona-arrive | fiona-classify --rules rules.json |
        fiona-organize | fiona-journal append organized`)
    t.equal(site.code, 0, site.stderr)

    const guide = readFileSync(join(projectRoot, 'docs/replay.md'), 'utf8')
    const [example = '', behind = ''] = guide
      .slice(guide.indexOf('## A worked example'))
      .split('## What may differ')
    const blocks = blocksOf(example, '')
    t.equal(blocks.filter(({ output }) => output !== undefined).length, 6, 'none was passed over')
    const followed = await bash(
      blocks.map(({ commands }) => `${commands}\necho '${separator}'\n`).join(''),
    )
    t.equal(followed.code, 0, followed.stderr)
    const printed = followed.stdout.split(`${separator}\n`)
    blocks.forEach(({ commands, output = '' }, n) => t.equal(printed[n], output, commands))

    // Of the rest, what stands alone.
    const stage = blocksOf(`\n${behind.slice(behind.indexOf('## Into a stage'))}`, '')[0]
    const staged = await bash(`${stage?.commands ?? 'false'}
      fiona-journal cat again --data-dir scratch | jq -c 'select(.type == "study").ClassifyType'`)
    t.equal(staged.stdout, '["CT","thin"]\n', staged.stderr)
    const source = await bash('fiona-journal cat received | wc -l')
    t.equal(source.stdout, '5\n', 'the site is as it was')
  },
)
