import type { Delivered } from '../../../src/lib/deliver/ledger/entries.ts'
import type { EndOfDelivery } from '../../../src/lib/deliver/ledger/ledger.ts'

export const entry = (name: string, sha256 = 'a'): Delivered => ({
  name,
  SOPInstanceUID: '2.25.1',
  size: 1,
  mtimeMs: 2.5,
  sha256,
  time: '2026-01-02T03:04:05.678Z',
})

/** The end of a delivery to the destination `u`. */
export function endOf(requestId: string, StudyInstanceUID = '2.25.2'): EndOfDelivery {
  const about = {
    v: 1,
    time: '2026-01-02T03:04:06.000Z',
    requestId,
    participant: 'S001',
    StudyInstanceUID,
    path: '/outbox/S001',
    revision: 1,
  } as const
  return {
    destination: { name: 'there', url: 'u', verify: 'none' },
    record: {
      ...about,
      type: 'deidentified',
      series: [],
      instances: 1,
      bytes: 1,
      profile: 'basic',
      profileDigest: 'x',
    },
    transfer: {
      ...about,
      type: 'transfer',
      destination: 'there',
      status: 'sent',
      instances: { sent: 1, failed: 0 },
      attempts: 1,
      seconds: 1,
      committed: false,
      verified: false,
    },
    error: undefined,
  }
}
