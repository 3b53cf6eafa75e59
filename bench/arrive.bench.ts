// What fiona-arrive costs for each object, and its memory, where studies are many and where one is large. With a
// state directory, as in the chain; each line is one run of the tool to its end, with a mark every 10,000 records.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { watchPeak } from './peak-memory.ts'

const tool = fileURLToPath(new URL('../bin/fiona-arrive', import.meta.url))
const recordsAMark = 10_000

interface Load {
  readonly who: string
  readonly records: number
  /** Which study a record belongs to. */
  readonly studyOf: (at: number) => number
}

const loads: readonly Load[] = [
  { who: '100,000 objects in one study', records: 100_000, studyOf: () => 1 },
  { who: '1,000,000 objects in one study', records: 1_000_000, studyOf: () => 1 },
  { who: '100,000 open studies', records: 100_000, studyOf: (at) => at },
]

export default {
  name: 'arrive',
  title: 'fiona-arrive with state on disk: objects/s, and peak memory (goal: < 300 MB)',
  async run() {
    const rows = []
    for (const load of loads) rows.push(await measure(load))
    return { rows }
  },
}

async function measure({ who, records, studyOf }: Load) {
  const dataDir = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
  try {
    // Stays open at the end: what is measured is the tracking.
    const args = ['--data-dir', dataDir, '--at-end', 'keep', '--quiet-seconds', '86400']
    const start = performance.now()
    const child = spawn(tool, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const exit = once(child, 'exit')
    const peak = watchPeak(child)
    child.stdout.resume()
    for (let at = 0; at < records; at += recordsAMark) {
      const lines = Array.from({ length: recordsAMark }, (_, n) => line(at + n, studyOf(at + n)))
      const mark = JSON.stringify({ type: 'mark', seq: at / recordsAMark })
      if (!child.stdin.write(`${lines.join('\n')}\n${mark}\n`)) await once(child.stdin, 'drain')
    }
    child.stdin.end()
    const [code] = (await exit) as [number | null]
    const peakMB = peak()
    if (code !== 0 || peakMB === 0) throw new Error(`fiona-arrive ended with ${String(code)}`)
    return {
      who,
      'objects/s': Math.round((records * 1000) / (performance.now() - start)),
      'peak MB': peakMB,
    }
  } finally {
    rmSync(dataDir, { recursive: true })
  }
}

function line(at: number, study: number): string {
  const StudyInstanceUID = `2.25.${String(1_000_000 + study)}`
  const SeriesInstanceUID = `${StudyInstanceUID}.1`
  const SOPInstanceUID = `${SeriesInstanceUID}.${String(at)}`
  return JSON.stringify({
    type: 'instance',
    v: 1,
    time: '2024-01-02T03:04:05.678Z',
    project: 'default',
    path: `/var/lib/fiona/default/archive/${StudyInstanceUID}/${SeriesInstanceUID}/${SOPInstanceUID}.dcm`,
    size: 525_632,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    SOPInstanceUID,
    SeriesInstanceUID,
    StudyInstanceUID,
    TransferSyntaxUID: '1.2.840.10008.1.2.1',
    duplicate: false,
    source: { callingAET: 'SCANNER', calledAET: 'FIONA', address: '10.0.0.1', association: 'a1' },
    attributes: {
      PatientID: `EX-${String(study)}`,
      PatientName: 'Example^Patient',
      StudyDate: '20240102',
      Modality: 'CT',
      SeriesDescription: 'Axial 5 mm',
      InstanceNumber: String(at),
    },
  })
}
