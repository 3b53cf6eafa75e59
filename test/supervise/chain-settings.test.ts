import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'
import {
  deliveredFolder,
  prepareSite,
  shortForm,
  withEmbeddedDelivery,
} from '../../src/lib/supervise/index.ts'
import { findFreePort } from '../../src/lib/supervise/free-port.ts'

t.test('without any destination studies are delivered into the data directory', async (t) => {
  const directory = t.testdir()
  const config = { ...(await loadConfig(undefined)), dataDir: join(directory, 'da ta#') }
  const inForce = withEmbeddedDelivery(config)
  t.equal(deliveredFolder(inForce), join(directory, 'da ta#', 'delivered'))
  t.same(inForce.projects['default']?.destinations, ['delivered'])
})

t.test('a configuration that names destinations is left as it is', async (t) => {
  const directory = t.testdir({
    'fiona.yaml': [
      'destinations: { research: { url: "dicom://R@127.0.0.1:104" } }',
      'projects: { ABCD: { destinations: [research] } }',
    ].join('\n'),
  })
  const config = await loadConfig(join(directory, 'fiona.yaml'))
  t.equal(withEmbeddedDelivery(config), config)
  t.equal(deliveredFolder(config), undefined)
})

t.test('a site gets a key of its own once, which nobody else may read', async (t) => {
  const directory = t.testdir()
  const config = {
    ...(await loadConfig(undefined)),
    dataDir: join(directory, 'data'),
    runDir: join(directory, 'run'),
  }
  const site = await prepareSite(config)
  t.equal(site.madeKey, true)
  t.equal(statSync(site.keyFile).mode & 0o777, 0o600)
  t.equal((await prepareSite(config)).madeKey, false)
  const inForce = await loadConfig(site.configPath)
  t.equal(inForce.dataDir, config.dataDir, 'children read the configuration in force')
  t.equal(inForce.deidentification.keyFile, site.keyFile)
})

t.test('a port in use is said at once; after a crash its end is waited for', async (t) => {
  const server = createServer()
  server.listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const after = (isAfterCrash: boolean) => ({ isAfterCrash, setBy: 'mpps.port' })
  await t.rejects(findFreePort(port, after(false)), {
    code: 'E_PORT_IN_USE',
    exitCode: 69,
    hint: /mpps\.port/,
  })
  const found = findFreePort(port, after(true))
  server.close()
  t.equal(await found, port)
  t.ok((await findFreePort(0, after(false))) > 0)
})

t.test('the short form of a record holds no identifying value', async (t) => {
  const patient = { PatientName: 'Planted^Name', PatientID: 'PLANTED-1' }
  const records = [
    {
      type: 'study',
      StudyInstanceUID: '1.2.3.45678901',
      instances: 2,
      revision: 1,
      attributes: patient,
    },
    { type: 'series', SeriesInstanceUID: '1.2.3', instances: 2, attributes: patient },
    {
      type: 'mpps',
      status: 'COMPLETED',
      StudyInstanceUID: '1.2.3',
      series: [],
      attributes: patient,
    },
    {
      type: 'held',
      reasons: [{ code: 'E_X', where: 'a', count: 2 }],
      how: 'fiona-anon --release x',
    },
    { type: 'error', tool: 'fiona-import', code: 'E_X', message: 'no DICOM: /in/Planted.dcm' },
    { type: 'transfer', status: 'sent', destination: 'd', instances: { sent: 1, failed: 0 } },
  ]
  for (const record of records) {
    const text = shortForm(record)
    t.ok(text, record.type)
    t.notMatch(text, /Planted|PLANTED/)
  }
  t.equal(shortForm({ type: 'mark', seq: 1 }), undefined)
})
