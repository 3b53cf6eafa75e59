import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { binDir, inProject } from '../fixtures/peers.ts'
import { filesUnder, newSite, reasonsOf } from './deidentified.ts'

/**
 * The program itself, with a study by pydicom that tells of its patient wherever a file can: nothing of it is in what can be seen
 * afterwards, whatever the profile.
 */
const known = /zwartkops|ingeborg|778812|19610423|lindenstraat|1\.2\.752\.99/i
const profiles: Readonly<Record<string, string>> = {
  'the Basic Profile': 'base: basic\n',
  'all that may be retained': `options: [retainDeviceIdentity, retainInstitutionIdentity, retainPatientCharacteristics,
  retainLongitudinalModifiedDates, retainSafePrivate, cleanDescriptors, cleanGraphics, cleanStructuredContent]\n`,
  'no table': 'base: none\n',
  'rules that keep all': `rules:
  - { tag: [OtherPatientIDs, AccessionNumber, PatientAddress, OtherPatientNames, PatientComments], action: keep }
  - { tag: [RequestAttributesSequence, OriginalAttributesSequence, ModifiedAttributesSequence], action: keep }
  - { tag: '(0019,[ZWARTKOPS CT],xx)', action: keep }\n`,
}

interface Ran {
  readonly record: AnyRecord
  readonly said: string
  readonly out: string
  readonly dataDir: string
}

/** What three programs make of it, one behind the other, as by hand. */
function anonymized(profile: string, encoding: string): Ran {
  const { root, out, dataDir } = newSite()
  const at = (name: string) => join(root, name)
  writeFileSync(at('key'), Buffer.alloc(32, 7), { mode: 0o600 })
  writeFileSync(at('profile.yaml'), profile)
  mkdirSync(at('in'))
  const script = inProject('test/fixtures/patient-everywhere-with-pydicom.py')
  run('/usr/bin/python3', [script, at('in'), ...(encoding === 'implicit' ? [encoding] : [])])
  const imported = run(join(binDir, 'fiona-import'), ['--in-place', at('in')])
  const arrived = run(join(binDir, 'fiona-arrive'), [], imported.stdout)
  const { stdout, stderr } = run(
    join(binDir, 'fiona-anon'),
    `--key-file ${at('key')} --profile ${at('profile.yaml')} --i-know --participant S001 --out ${out}
      --data-dir ${dataDir} --log-level trace`.split(/\s+/),
    arrived.stdout,
  )
  return { record: JSON.parse(stdout) as AnyRecord, said: stdout + stderr, out, dataDir }
}

function run(program: string, args: readonly string[], input = '') {
  const env = { ...process.env, FIONA_CONFIG: '', FIONA_STAGE: '' }
  const done = spawnSync(program, args, { input, env, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`)
  return done
}

for (const [what, profile] of Object.entries(profiles)) {
  for (const encoding of ['explicit', 'implicit']) {
    t.test(`${what}, ${encoding}: nothing beside the data set tells of the patient`, (t) => {
      const { record, said, out, dataDir } = anonymized(profile, encoding)
      t.notMatch(said, known, 'records, and the log at its most talkative')
      const files = filesUnder(out)
      if (what.startsWith('no table') || what.startsWith('rules')) {
        t.equal(record.type, 'held')
        t.same(reasonsOf(record), ['identity-found'])
        t.same(files, [])
        const names = readdirSync(dataDir, { recursive: true }).join('\n')
        t.notMatch(names, known, 'folders of what is held')
        t.end()
        return
      }
      t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
      t.equal(files.length, 1)
      for (const path of files) {
        const bytes = readFileSync(path)
        t.notMatch(path.slice(out.length), known)
        t.notMatch(bytes.toString('latin1'), known)
        t.ok(bytes.subarray(0, 128).equals(Buffer.alloc(128)), 'the preamble')
        const { mode, mtimeMs } = statSync(path)
        t.equal(mode & 0o007, 0, 'nothing for others')
        t.ok(mtimeMs > 1e12 + 1e9, 'when it was made, not when the study was')
        t.same(extendedAttributes(path), '[]')
      }
      t.end()
    })
  }
}

function extendedAttributes(path: string): string {
  const script = 'import os, sys; print(os.listxattr(sys.argv[1]))'
  return run('/usr/bin/python3', ['-c', script, path]).stdout.trim()
}
