import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkRedcap } from '../../src/lib/check/check-redcap.ts'
import { loadConfig } from '../../src/lib/config/index.ts'
import { serveSite, type Site } from '../redcap/sourced.ts'

async function look(site: Site, more: object = {}) {
  const path = join(site.directory, 'c.json')
  writeFileSync(path, JSON.stringify({ requests: [{ redcap: { ...site.config, ...more } }] }))
  const found = await checkRedcap(await loadConfig(path))
  return found.map(({ level, what, message }) => `${level}: ${what}: ${message}`)
}

t.test('what a project lacks is said field by field', async (t) => {
  const site = await serveSite(t)
  for (const line of await look(site)) t.match(line, /^ok: redcap /)
  site.incoming.removeField('transfer_mapped_uid')
  const error = site.incoming.setup.fields.find(({ name }) => name === 'transfer_error')
  if (error !== undefined) error.choices = '1, One | 2, Two'
  site.incoming.setup.repeating = ['series']
  const [incoming, ...others] = await look(site)
  t.equal(
    incoming,
    'error: redcap Incoming: lacks the choice transfer_error___3; the field transfer_mapped_uid; that the instrument transfers repeats',
  )
  for (const line of others) t.match(line, /^ok: /)
})

t.test('rights, a server that is down, bare hashes and projects that are not read', async (t) => {
  const site = await serveSite(t)
  site.server.meet({ status: 403, body: '{"error":"You do not have permissions to use the API"}' })
  const found = await look(site, { hashes: 'sha256' })
  t.match(found[0], /^error: redcap Incoming: REDCap does not let the token of Incoming/)
  t.equal(found.filter((line) => line.startsWith('ok: ')).length, 5, 'the others were asked')
  t.match(found.at(-1), /^warning: redcap: hashes: sha256/)
  site.server.always = { status: 503, body: '' }
  t.match(await look(site), [/^error: redcap Incoming: REDCap has trouble of its own \(503\)/])
  const without = await look(site, { projectsTokenFile: undefined })
  t.match(without.at(-1), /^warning: redcap: DataTransferProjects is not read/)
  chmodSync(site.config.tokenFile, 0o644)
  t.match(await look(site), [/^error: redcap: others may use the token file/])
})
