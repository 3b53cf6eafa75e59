// STOW-RS to a service that others wrote, by the tool as it is used.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Orthanc, configuration, missingDicomWeb, send } from '../../sending.ts'
import { makeStudy, temporary } from '../../studies.ts'

t.test('Orthanc with DICOMweb', { skip: missingDicomWeb }, async (t) => {
  const orthanc = await Orthanc.start({
    AuthenticationEnabled: true,
    RegisteredUsers: { fiona: 'geheim' },
  })
  t.teardown(() => orthanc.stop())
  const passwordFile = join(temporary(), 'password')
  writeFileSync(passwordFile, 'fiona:geheim\n', { mode: 0o600 })
  const to = (more: object) =>
    configuration({
      dataDir: temporary(),
      projects: { ABCD: { destinations: ['web'] } },
      destinations: {
        web: { url: orthanc.webUrl, retry: { max: 0 }, batch: { objects: 7 }, ...more },
      },
    })

  t.test('everything arrives, and a second run sends nothing', async (t) => {
    const config = to({ passwordFile })
    const records = [makeStudy({ objects: 20, series: 3 }), makeStudy({ objects: 5, rows: 300 })]
    const input = records.map(({ record }) => record)
    const first = await send(['--config', config], input)
    t.equal(first.code, 0, first.stderr)
    t.match(first.records, [
      { type: 'transfer', status: 'sent', instances: { sent: 20, failed: 0 }, attempts: 1 },
      { type: 'transfer', status: 'sent', instances: { sent: 5, failed: 0 }, attempts: 1 },
    ])
    t.equal((await orthanc.instances('fiona:geheim')).length, 25)
    const second = await send(['--config', config], input)
    t.match(second.records, [
      { instances: { sent: 0, sentBefore: 20 } },
      { instances: { sent: 0 } },
    ])
    const elsewhere = await send(['--config', to({ passwordFile })], input.slice(0, 1))
    t.match(elsewhere.records, [{ status: 'sent', instances: { sent: 20 } }], 'again is harmless')
    t.equal((await orthanc.instances('fiona:geheim')).length, 25)
  })

  t.test('without the password nothing is tried again, and the remedy is named', async (t) => {
    const sent = await send(['--config', to({})], [makeStudy().record])
    t.equal(sent.code, 1)
    t.match(sent.records, [
      { status: 'refused', attempts: 1 },
      { code: 'E_WEB_NOT_ALLOWED', retryable: false, message: /passwordFile/ },
    ])
    t.notMatch(sent.stderr, /geheim/)
  })
})
