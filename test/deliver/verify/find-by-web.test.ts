// What a web service has is asked by QIDO-RS: of one that others wrote, and of one that answers as a test tells it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { webFinder } from '../../../src/lib/deliver/verify/find-by-web.ts'
import { Orthanc, missingDicomWeb, send } from '../sending.ts'
import { makeStudy } from '../studies.ts'

const study = { StudyInstanceUID: '2.25.1', series: [{ SeriesInstanceUID: '2.25.2' }] }
const uids = Array.from({ length: 5 }, (_, n) => `2.25.3.${String(n)}`)

/** Answers each GET by its offset. */
async function service(
  t: Test,
  answer: (offset: number) => { readonly status: number; readonly body?: string },
) {
  const server = createServer(({ url = '' }, response) => {
    const { status, body = '' } = answer(Number(/offset=(\d+)/.exec(url)?.[1]))
    response.writeHead(status, { 'content-type': 'application/dicom+json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const root = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const target = { kind: 'stow', root, batch: { objects: 1, bytes: 1 } } as const
  return () => webFinder(target, 10)(study, new AbortController().signal)
}

const instances = (some: readonly string[]) =>
  JSON.stringify(some.map((uid) => ({ '00080018': { vr: 'UI', Value: [uid] } })))

t.test(
  'short pages are asked on, and a service that knows no offset is asked once more',
  async (t) => {
    const paged = await service(t, (offset) => {
      const page = uids.slice(offset, offset + 2)
      return page.length === 0 ? { status: 204 } : { status: 200, body: instances(page) }
    })
    t.same([...(await paged())], uids)
    const endless = await service(t, () => ({ status: 200, body: instances(uids) }))
    t.same([...(await endless())], uids)
  },
)

t.test('what is no answer says nothing of what is there', async (t) => {
  for (const [answer, code] of [
    [{ status: 404 }, 'E_WEB_STATUS'],
    [{ status: 401 }, 'E_WEB_NOT_ALLOWED'],
    [{ status: 200, body: '<html>log in</html>' }, 'E_WEB_PROTOCOL'],
  ] as const) {
    const find = await service(t, () => answer)
    await t.rejects(find(), { code })
  }
})

t.test('Orthanc is found to have every object', { skip: missingDicomWeb }, async (t) => {
  const orthanc = await Orthanc.start()
  t.teardown(() => orthanc.stop())
  const { record } = makeStudy({ objects: 6, series: 2 })
  const sent = await send(['--destination', orthanc.webUrl, '--verify', 'find'], [record])
  t.equal(sent.code, 0, sent.stderr)
  t.match(sent.records, [{ type: 'transfer', status: 'sent', verified: true, committed: false }])
})
