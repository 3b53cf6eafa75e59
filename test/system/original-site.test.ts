import { mkdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { freePort, missing, run } from '../fixtures/peers.ts'
import { filesBelow, linksBelow } from './objects.ts'
import { RunningChain } from './running-chain.ts'

/** As an installer of the original left it: texts all over, and keys of what FIONA does otherwise. */
const originalConfig = (dataDir: string, ports: readonly number[]) => ({
  DICOMIP: '127.0.0.1',
  DICOMPORT: String(ports[0]),
  DICOMAETITLE: 'SITE',
  SCANNERIP: '192.0.2.2',
  SCANNERPORT: '104',
  SCANNERAETITLE: 'MR1',
  SCANNERTYPE: 'SIEMENS',
  MPPSPORT: String(ports[1]),
  MPPSMODE: 'mppson',
  DATADIR: dataDir,
  LOCALTIMEZONE: 'America/Los_Angeles',
  WEBPROXY: '',
  SITES: {
    PCGC: {
      DICOMIP: '127.0.0.1',
      DICOMPORT: String(ports[2]),
      DICOMAETITLE: 'PCGCFIONA',
      DATADIR: `${dataDir}PCGC`,
    },
  },
})

/** Each leans on a habit of the original: the text of lists, missing values that pass, types of the image before. */
const originalRules = [
  {
    type: 'SIEMENS',
    id: 'SIEMENSBYMANUFACTURER',
    description: 'all images of this vendor',
    rules: [{ tag: ['0x08', '0x70'], value: '^SIEMENS' }],
  },
  {
    type: 'mosaic',
    rules: [
      { tag: ['0x08', '0x08'], operator: 'contains', value: 'MOSAIC' },
      { rule: 'SIEMENSBYMANUFACTURER' },
    ],
  },
  { type: 'original', rules: [{ tag: ['0x08', '0x08'], value: "'ORIGINAL', 'PRIMARY'" }] },
  { type: 'T1', id: 'T1', rules: [{ tag: ['SeriesDescription'], value: '(?i)t1' }] },
  { type: 'no-T1', rules: [{ notrule: 'T1' }, { rule: 'SIEMENSBYMANUFACTURER' }] },
  { type: 'slices', rules: [{ tag: ['NumSlices'], operator: '==', value: '30' }] },
  { type: 'never', rules: [{ tag: ['0x28', '0x10'], operator: '>=', value: '1' }] },
  {
    type: 'SITE-T1',
    rules: [
      { tag: ['ClassifyType'], operator: 'contains', value: 'T1' },
      { tag: ['ClassifyType'], operator: 'contains', value: 'mosaic', negate: 'yes' },
    ],
  },
  {
    type: 'square',
    check: 'SeriesLevel',
    rules: [{ tag: ['0x28', '0x10'], operator: '==', value: ['0x28', '0x11'] }],
  },
]

/** Two series of two objects, of one scanner. */
function objects(folder: string, study: string, patient: string): void {
  mkdirSync(folder, { recursive: true })
  for (const [series, description, kind] of [
    [1, 'T1_mprage', 'M'],
    [2, 'ep2d', 'MOSAIC'],
  ] as const) {
    for (const image of [1, 2]) {
      const bytes = ctImage({
        studyUID: study,
        seriesUID: `${study}.${String(series)}`,
        sopUID: `${study}.${String(series)}.${String(image)}`,
        instanceNumber: image,
        rows: image === 1 ? 8 : 16,
        columns: 16,
        elements: [
          el(0x00080008, 'CS', ['ORIGINAL', 'PRIMARY', kind]),
          el(0x00080070, 'LO', 'SIEMENS'),
          el(0x0008103e, 'LO', description),
          el(0x00100020, 'LO', patient),
          el(0x00200011, 'IS', String(series)),
        ],
      })
      writeFileSync(join(folder, `${String(series)}-${String(image)}.dcm`), bytes)
    }
  }
}

/** Both doors are sent a study; the trees of both projects come back, as they are when the studies are complete. */
async function treesOf(config: string, dataDir: string, ports: readonly number[], folder: string) {
  const chain = await RunningChain.start({ config, dataDir, port: ports[0] ?? 0 })
  try {
    for (const [port, called, study] of [
      [ports[0], 'SITE', 'common'],
      [ports[2], 'PCGCFIONA', 'own'],
    ] as const) {
      const to = ['-aet', 'MR1', '-aec', called, '127.0.0.1', String(port)]
      const { code, stderr } = await run('storescu', [...to, ...filesBelow(join(folder, study))])
      if (code !== 0) throw new Error(stderr)
    }
    const isStudy = ({ type }: { type: string }) => type === 'study'
    const organized = await chain.until('organized', (all) => all.filter(isStudy).length === 2)
    await chain.until('sent', (all) => all.length === 2)
    const studies = organized.filter(isStudy).map(({ project, StudyInstanceUID, series }) => {
      return { project, StudyInstanceUID, series }
    })
    const tree = (project: string) => {
      const root = join(dataDir, project)
      const seen = [...linksBelow(join(root, 'raw')), ...linksBelow(join(root, 'participants'))]
      const links = seen.map((path) => [relative(root, path), readlinkSync(path)])
      const jsons = filesBelow(join(root, 'raw')).filter((path) => path.endsWith('.json'))
      const fields = jsons.map((path) => [
        relative(root, path),
        JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>,
      ])
      const escaped = seen.filter((path) => !realpathSync(path).startsWith(`${root}/archive/`))
      return { links, escaped, fields: Object.fromEntries(fields) as Record<string, object> }
    }
    const errors = await chain.records('errors')
    const [common, own] = [tree('default'), tree('PCGC')]
    return { studies: studies.sort(byProject), common, own, errors }
  } finally {
    await chain.stop()
  }
}

const byProject = (a: { project?: unknown }, b: { project?: unknown }) =>
  String(a.project).localeCompare(String(b.project))

t.test(
  "an original's config.json and rules as they are lead from C-STORE to its views; migrated, to the same",
  { skip: missing('storescu') },
  async (t) => {
    const root = t.testdir()
    const folder = join(root, 'objects')
    objects(join(folder, 'common'), '2.25.601', 'SITE-1')
    objects(join(folder, 'own'), '2.25.602', 'PCGC-1')
    const installed = async (name: string) => {
      const dataDir = join(root, name)
      const config = join(dataDir, 'config', 'config.json')
      const ports = [await freePort(), await freePort(), await freePort()]
      mkdirSync(dirname(config), { recursive: true })
      writeFileSync(config, JSON.stringify(originalConfig(dataDir, ports), null, 2))
      writeFileSync(join(dataDir, 'config', 'enabled'), '110\n')
      const rules = join(dataDir, 'config', 'classifyRules.json')
      writeFileSync(rules, JSON.stringify(originalRules, null, 2))
      return { dataDir, config, ports }
    }
    const as = await installed('as-it-is')
    const found = await treesOf(as.config, as.dataDir, as.ports, folder)
    t.same(found.errors, [])
    t.match(found.studies, [
      { project: 'default', StudyInstanceUID: '2.25.601' },
      { project: 'PCGC', StudyInstanceUID: '2.25.602' },
    ])
    t.same([found.common.escaped, found.own.escaped], [[], []])
    t.equal(found.own.links.length, 8, 'each of four objects in both views, of this project alone')
    const types = (project: 'common' | 'own', series: string) =>
      found[project].fields[`raw/${series.slice(0, -2)}/${series}.json`]
    for (const [project, study] of [
      ['common', '2.25.601'],
      ['own', '2.25.602'],
    ] as const) {
      t.match(types(project, `${study}.1`), {
        NumFiles: '2',
        IncomingConnection: { AETitleCaller: 'MR1' },
        ClassifyType: ['SIEMENS', 'original', 'T1', 'slices', 'SITE-T1', 'square'],
      })
      t.match(types(project, `${study}.2`), {
        ClassifyType: ['SIEMENS', 'mosaic', 'original', 'no-T1', 'slices', 'square'],
      })
    }
    t.match(found.own.links, [
      [/^raw\/2\.25\.602\/2\.25\.602\.1\//, /^\.\.\/\.\.\/\.\.\/archive\/2\.25\.602\//],
    ])
    t.ok(found.own.links.some(([path]) => path?.startsWith('participants/PCGC-1/20240102_030405/')))

    const other = await installed('migrated')
    const { code, stdout, stderr } = await run('fiona-ctl', ['migrate', other.config])
    t.equal(code, 0, stderr)
    // Elsewhere, so that nothing but the rules it names is found beside it.
    const yaml = join(root, 'fiona.yaml')
    writeFileSync(yaml, stdout)
    t.same(await treesOf(yaml, other.dataDir, other.ports, folder), found)
  },
)
