// A process that tells a source of requests of some studies, until it is killed or has told all:
//   node --import tsx told-source.ts URL TOKENFILE AUTOIDTOKENFILE DIRECTORY UID…
// With FIONA_FAULT_POINT it dies on the way. Of what it has on stable storage it says `safe UID` on stdout.
import { createHmac } from 'node:crypto'
import { writeSync } from 'node:fs'
import { keyedHash } from '../../src/lib/redcap/patient-hashes.ts'
import { openProjects } from '../../src/lib/redcap/open-redcap.ts'
import { RedcapSource } from '../../src/lib/redcap/redcap-source.ts'
import { deidentified, request, study, transfer } from './sourced.ts'

const [url = '', tokenFile = '', autoIdTokenFile = '', directory = '', ...names] =
  process.argv.slice(2)
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined }
const projects = await openProjects({ url, tokenFile, autoIdTokenFile }, quiet, { attempts: 1 })
const source = new RedcapSource({
  name: 'redcap',
  redcap: projects,
  everySeconds: 60,
  couplingDays: 14,
  hash: keyedHash((...texts) => createHmac('sha256', 'key').update(texts.join()).digest()),
  destinationsOf: () => ['research'],
  log: quiet,
  close: () => projects.close(),
})
await source.open({
  directory,
  changed: () => undefined,
  trouble: () => undefined,
  signal: new AbortController().signal,
})
for (const name of names) {
  source.studySeen(study(name))
  source.nameGiven('ABCD', 'ABCD_001', study(name))
  source.requestMade(request(name))
  source.result(deidentified(name))
  source.result(transfer(name))
  await source.sync()
  writeSync(1, `safe ${name}\n`)
}
while (source.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 5))
await source.close()
