import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkRequests } from '../../src/lib/check/check-requests.ts'
import { loadConfig } from '../../src/lib/config/index.ts'
import { sourceDirectory } from '../../src/lib/redcap/index.ts'
import { serveSite, startSource } from '../redcap/sourced.ts'

t.test('a project that REDCap alone knows is a project', async (t) => {
  const site = await serveSite(t)
  const path = join(site.directory, 'c.json')
  const dataDir = join(site.directory, 'data')
  writeFileSync(join(site.directory, 't.csv'), 'PatientID,project,participant\nP1,FAR,S1\n')
  const projects = { NEAR: { destinations: [] } }
  const requests = [{ table: 't.csv' }, { redcap: site.config }]
  writeFileSync(path, JSON.stringify({ dataDir, projects, requests }))
  const look = async () => {
    const found = await checkRequests(await loadConfig(path))
    return found.filter(({ what }) => what.endsWith('table'))
  }
  t.match(await look(), [
    { level: 'warning', message: /no project is called "FAR" here; DataTransferProjects/ },
  ])
  site.projects.put('FAR', { project_active: '1' })
  const running = await startSource(t, site, { state: sourceDirectory(dataDir) })
  await running.until(() => running.source.knowsProjects, 'reading')
  await running.stop()
  t.match(await look(), [{ level: 'ok', message: /: 1 row$/ }])
  writeFileSync(join(site.directory, 't.csv'), 'PatientID,project,participant\nP1,NONE,S1\n')
  t.match(await look(), [{ level: 'error', message: /no project is called "NONE"/ }])
})
