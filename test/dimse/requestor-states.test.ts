// PS3.8 table 9-10 from the requestor's side: every PDU and the end of the connection, in every state in which a
// requestor waits for its peer. State 4 (the connection is being made) and 13 have no PDU to read.
import t from 'tap'
import {
  type Association,
  CommandField,
  PduType,
  encodeCommandSet,
  encodeControlPdu,
  encodeDataTransfer,
  openAssociation,
} from '../../src/lib/dimse/index.ts'
import { CT_IMAGE_STORAGE, syntax } from '../fixtures/dicom-writer.ts'
import { associateRq, pdu, pduType } from '../fixtures/odd-client.ts'
import { type PeerOptions, StoragePeer } from './storage-peer.ts'

const VERIFICATION = '1.2.840.10008.1.1'

const answerToNothing = encodeDataTransfer(
  {
    contextId: 1,
    isCommand: true,
    bytes: encodeCommandSet({
      AffectedSOPClassUID: VERIFICATION,
      CommandField: CommandField.CEchoResponse,
      MessageIDBeingRespondedTo: 4711,
      CommandDataSetType: 0x0101,
      Status: 0,
    }),
  },
  16_000,
)

const events: Readonly<Record<string, Buffer>> = {
  'A-ASSOCIATE-RQ': associateRq(),
  'A-ASSOCIATE-AC': associateRq({ type: pduType.ac }),
  'A-ASSOCIATE-RJ': pdu(pduType.rj, Buffer.of(0, 1, 1, 1)),
  'P-DATA-TF': answerToNothing,
  'A-RELEASE-RQ': encodeControlPdu({ type: PduType.ReleaseRequest }),
  'A-RELEASE-RP': encodeControlPdu({ type: PduType.ReleaseResponse }),
  'A-ABORT': encodeControlPdu({ type: PduType.Abort, source: 2, reason: 1 }),
  'an invalid PDU': pdu(0x63, Buffer.alloc(4)),
}

/** What the requestor's user hears, and whether the peer hears A-ABORT. */
interface Expected {
  readonly action: string
  readonly error?: string
  readonly aborts: 0 | 1
}
const abort = (action: string): Expected => ({ action, error: 'E_DICOM_PROTOCOL', aborts: 1 })
const lost = (action: string): Expected => ({ action, error: 'E_ASSOCIATION_ABORTED', aborts: 0 })

const sta5: Readonly<Record<string, Expected>> = {
  'A-ASSOCIATE-RQ': abort('AA-8'),
  'A-ASSOCIATE-RJ': { action: 'AE-4', error: 'E_ASSOCIATION_REJECTED', aborts: 0 },
  'P-DATA-TF': abort('AA-8'),
  'A-RELEASE-RQ': abort('AA-8'),
  'A-RELEASE-RP': abort('AA-8'),
  'A-ABORT': lost('AA-3'),
  'an invalid PDU': abort('AA-8'),
}

// Nobody releases while an operation of the other side is open: what AR-2 would tell the user ends it here.
const sta6: Readonly<Record<string, Expected>> = {
  'A-ASSOCIATE-RQ': abort('AA-8'),
  'A-ASSOCIATE-AC': abort('AA-8'),
  'A-ASSOCIATE-RJ': abort('AA-8'),
  'P-DATA-TF': abort('DT-2, and an answer to nothing'),
  'A-RELEASE-RQ': abort('AR-2'),
  'A-RELEASE-RP': abort('AA-8'),
  'A-ABORT': lost('AA-3'),
  'an invalid PDU': abort('AA-8'),
}

// A release that has been asked for ends well, whatever the peer does: only what it hears differs.
const sta7: Readonly<Record<string, Expected>> = {
  'A-ASSOCIATE-RQ': { action: 'AA-8', aborts: 1 },
  'A-ASSOCIATE-AC': { action: 'AA-8', aborts: 1 },
  'A-ASSOCIATE-RJ': { action: 'AA-8', aborts: 1 },
  'A-RELEASE-RP': { action: 'AR-3', aborts: 0 },
  'A-ABORT': { action: 'AA-3', aborts: 0 },
  'an invalid PDU': { action: 'AA-8', aborts: 1 },
}

function associate(port: number): Promise<Association> {
  return openAssociation({
    host: '127.0.0.1',
    port,
    callingAETitle: 'FIONA',
    calledAETitle: 'PEER',
    contexts: [
      { abstractSyntax: VERIFICATION, transferSyntaxes: [syntax.implicit] },
      { abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.explicit] },
    ],
    timeoutSeconds: 20,
  })
}

/** What `act` ended with, and whether the peer has heard A-ABORT by the time the connection is over. */
async function seen(options: PeerOptions, act: (port: number) => Promise<unknown>) {
  const peer = await StoragePeer.listen(options)
  try {
    const error = await act(peer.port).then(
      () => undefined,
      (reason: unknown) => (reason as { code?: string }).code,
    )
    while (peer.open > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    return { error, aborts: peer.aborts }
  } finally {
    await peer.close()
  }
}

t.test('Sta5, awaiting the answer to A-ASSOCIATE-RQ', async (t) => {
  for (const [event, { action, error, aborts }] of Object.entries(sta5)) {
    const bytes = events[event] ?? Buffer.alloc(0)
    const found = await seen({ associate: () => bytes }, associate)
    t.same(found, { error, aborts }, `${event}: ${action}`)
  }
})

t.test('Sta6, awaiting the answer to an operation', async (t) => {
  for (const [event, { action, error, aborts }] of Object.entries(sta6)) {
    const found = await seen({ echo: events[event] ?? Buffer.alloc(0) }, async (port) => {
      const association = await associate(port)
      await association.echo()
    })
    t.same(found, { error, aborts }, `${event}: ${action}`)
  }
})

t.test('Sta7, awaiting the answer to A-RELEASE-RQ', async (t) => {
  for (const [event, { action, error, aborts }] of Object.entries(sta7)) {
    const found = await seen({ release: events[event] ?? Buffer.alloc(0) }, async (port) => {
      const association = await associate(port)
      await association.release()
    })
    t.same(found, { error, aborts }, `${event}: ${action}`)
  }
})

t.test(
  'Sta7: data still comes (AR-6), and a collision is answered (AR-8 to AR-10, AR-3)',
  async (t) => {
    const release = Buffer.concat([
      ...[answerToNothing, events['A-RELEASE-RQ'] ?? Buffer.alloc(0)],
      events['A-RELEASE-RP'] ?? Buffer.alloc(0),
    ])
    const found = await seen({ release }, async (port) => {
      const association = await associate(port)
      await association.release()
    })
    t.same(found, { error: undefined, aborts: 0 })
  },
)
