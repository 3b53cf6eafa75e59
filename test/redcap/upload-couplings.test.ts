import t from 'tap'
import { openProjects } from '../../src/lib/redcap/open-redcap.ts'
import { uploadCouplings } from '../../src/lib/redcap/upload-couplings.ts'
import { readRows } from '../../src/lib/request/table/read-table.ts'
import { serveSite, type Site } from './sourced.ts'

const quiet = { debug: () => undefined, warn: () => undefined }
const signal = new AbortController().signal

async function upload(site: Site, text: string, today = '2026-01-02', isDry = false) {
  const projects = await openProjects(site.config, quiet, { attempts: 1 })
  try {
    return await uploadCouplings(projects, 't.csv', readRows(text), { today, isDry, signal })
  } finally {
    projects.close()
  }
}

const header = 'AccessionNumber,ProjectName,subjectid,eventname\n'

t.test('a table is brought into CouplingList, and once however often', async (t) => {
  const site = await serveSite(t)
  site.projects.put('P', { project_active: '1', project_patient_naming: 'P_[0-9]+' })
  const rows = Array.from({ length: 250 }, (_, at) => `A${String(at)},P,P_${String(at)},base\n`)
  const table = header + rows.join('')
  t.same(await upload(site, table, '2026-01-02', true), { written: 250, there: 0 })
  t.equal(site.couplings.lines.length, 0)
  t.same(await upload(site, table), { written: 250, there: 0 })
  t.equal(site.server.count('record', 'import'), 3, 'in portions')
  t.same(await upload(site, table), { written: 0, there: 250 })
  t.equal(site.couplings.lines.length, 250)
  t.match(
    site.couplings.lines
      .map(({ values }) => Object.fromEntries(values))
      .find((one) => one['cl_accessionnumber'] === 'A7'),
    { cl_projectname: 'P', cl_subjectid: 'P_7', cl_eventname: 'base', cl_date: '2026-01-02' },
  )
  t.same(await upload(site, `${header}A7,P,P_7,base\n`, '2026-03-01'), { written: 1, there: 0 })
  t.equal(site.couplings.lines.length, 250, 'it counts anew from that day')
  const byStudy = 'StudyInstanceUID,project,participant\n1.2.3,P,P_7\n'
  t.same(await upload(site, byStudy), { written: 1, there: 0 })
})

t.test('a line that cannot be used keeps all from being uploaded', async (t) => {
  const site = await serveSite(t)
  site.projects.put('P', { project_active: '1', project_patient_naming: 'P_[0-9]+' })
  site.projects.put('OLD', { project_active: '0' })
  site.couplings.put('9', {
    cl_accessionnumber: 'A1',
    cl_projectname: 'P',
    cl_subjectid: 'P_1',
    cl_date: '2026-01-01',
  })
  const table = `${header}A1,P,P_2,\nA2,NONE,P_2,\nA3,OLD,P_2,\nA4,P,wrong,\nA5,P,P_5,\nA5,P,P_6,\nA6,P,P_6,\n`
  await t.rejects(upload(site, table), {
    code: 'E_TABLE',
    message: [
      't.csv:2: another participant is named for it in record 9',
      't.csv:3: DataTransferProjects has no project "NONE"',
      't.csv:4: the project OLD is closed',
      't.csv:5: the participant does not fit the pattern of P: P_[0-9]+',
      't.csv:7: another participant is named for it in this table',
    ].join('\n'),
  })
  await t.rejects(upload(site, 'PatientID,project,participant\n1,P,P_1\n'), {
    message: /no place for a PatientID/,
  })
  t.equal(site.couplings.lines.length, 1)
  site.couplings.removeField('cl_studyinstanceuid')
  await t.rejects(upload(site, 'StudyInstanceUID,project,participant\n1.2,P,P_1\n'), {
    message: /no field cl_studyinstanceuid/,
  })
})
