// Events that the peer reports on an association of ours, between our operations.
import t from 'tap'
import { FionaError } from '../../src/lib/error/index.ts'
import { openAssociation } from '../../src/lib/dimse/index.ts'
import { COMMITMENT, CommitmentPeer } from '../deliver/commitment-peer.ts'
import { dataSetBytes, el, sq } from '../fixtures/dicom-writer.ts'

const explicit = '1.2.840.10008.1.2.1'
const question = {
  SOPClassUID: COMMITMENT,
  SOPInstanceUID: '1.2.840.10008.1.20.1.1',
  ActionTypeID: 1,
  information: dataSetBytes([
    el(0x00081195, 'UI', '2.25.1'),
    sq(0x00081199, [[el(0x00081150, 'UI', '1.2'), el(0x00081155, 'UI', '2.25.9')]]),
  ]),
}

async function associated(peer: CommitmentPeer) {
  return openAssociation({
    host: '127.0.0.1',
    port: peer.port,
    callingAETitle: 'FIONA',
    calledAETitle: 'PEER',
    contexts: [{ abstractSyntax: COMMITMENT, transferSyntaxes: [explicit] }],
    timeoutSeconds: 10,
  })
}

t.test('events are heard between our operations', async (t) => {
  const peer = await CommitmentPeer.listen()
  t.teardown(() => peer.close())
  const association = await associated(peer)
  const heard: string[] = []
  let onHeard = (): void => undefined
  association.onEvent(async ({ transferSyntax, command }) => {
    heard.push(`${transferSyntax} ${String(command.EventTypeID)}`)
    onHeard()
    return { status: 0 }
  })
  for (let time = 1; time <= 2; time++) {
    t.equal((await association.action(question, explicit)).status, 0)
    const pause = new AbortController()
    onHeard = () => {
      pause.abort()
    }
    await association.listen(pause.signal)
    t.equal(heard.length, time)
  }
  t.equal(heard[0], `${explicit} 1`)
  await association.release()
  t.same(peer.answers, [0, 0])
})

t.test('listening ends when the peer does', async (t) => {
  const peer = await CommitmentPeer.listen()
  const association = await associated(peer)
  const listening = t.rejects(association.listen(new AbortController().signal), FionaError)
  await peer.close()
  await listening
  await t.rejects(association.action(question, explicit), FionaError)
})
