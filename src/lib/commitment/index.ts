// Storage commitment (PS3.4 annex J), as the side that commits itself. A request is kept on disk before it
// is answered (waiting-requests). Then the archive itself is asked, file by file (examine-archive), and the
// answer is reported on the association of the request while that is open, else on one that we open
// (report); reporting takes a request from there to its end, over failures and restarts.
export { Commitment, type CommitmentOptions } from './commitment.ts'
export { peerAddresses } from './peer-addresses.ts'
export type { PeerAddress } from './report.ts'
export type { Patience } from './reporting.ts'
export type { WaitingRequest } from './waiting-requests.ts'
export { isAskedAt } from './is-asked-at.ts'
