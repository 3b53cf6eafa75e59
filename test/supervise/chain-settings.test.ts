import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { standardChain } from '../../src/lib/chain/index.ts'
import { loadConfig, type Config } from '../../src/lib/config/index.ts'
import { chooseDestinations } from '../../src/lib/deliver/choose-destinations.ts'
import {
  deliveredFolder,
  prepareSite,
  shortForm,
  withEmbeddedDelivery,
} from '../../src/lib/supervise/index.ts'
import stageTool from '../../src/tools/fiona-stage.ts'
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

t.test('what the copy of a configuration says leads to the file that was copied', async (t) => {
  const directory = t.testdir({
    'site.yaml': 'runDir: run\nreceiver: {tls: {certFile: tls.crt, keyFile: tls.key}}\n',
  })
  const path = join(directory, 'site.yaml')
  const hintOf = async (config: Config): Promise<unknown> => {
    const { configPath } = await prepareSite({ ...config, dataDir: directory })
    const inForce = await loadConfig(configPath)
    t.equal(inForce.path, configPath)
    const none = {
      destination: undefined,
      callingAet: undefined,
      verify: undefined,
      retries: undefined,
    }
    try {
      return chooseDestinations(none, inForce).of('ABCD')
    } catch (error) {
      return error
    }
  }
  const config = await loadConfig(path)
  t.match(await hintOf(config), { code: 'E_NO_DESTINATION', hint: ` in ${path}, ` })
  const { receiver } = await loadConfig(join(config.runDir, 'fiona.json'))
  t.same(receiver.tls, {
    certFile: join(directory, 'tls.crt'),
    keyFile: join(directory, 'tls.key'),
  })
  const embedded = { ...(await loadConfig(undefined)), runDir: join(directory, 'run') }
  t.match(await hintOf(embedded), {
    hint: / in a configuration file, and start with --config FILE/,
  })
})

t.test('a stage of the chain waits longer than its forerunner may take to end', (t) => {
  const stages = standardChain({
    frontDoors: [],
    inboxes: [],
    mpps: false,
    stages: ['deliver', 'request', 'organize'],
    doors: [],
  }).filter(({ command }) => command === 'fiona-stage')
  t.equal(stages.length, 3)
  const drain = stageTool.options['drain-seconds']
  const drainSeconds = drain !== undefined && 'default' in drain ? Number(drain.default) : NaN
  for (const { args } of stages) {
    t.ok(Number(args[args.indexOf('--wait-seconds') + 1]) > drainSeconds, args.join(' '))
  }
  t.end()
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
