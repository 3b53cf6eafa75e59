import { OddClient, type Reply, pduType, statusOf } from '../fixtures/odd-client.ts'
import type { Case } from './cases/index.ts'

/** One connection with these writes, our side closed behind them. */
export async function runCase(
  port: number,
  writes: readonly Buffer[],
): Promise<{ readonly words: Case['expect']; readonly replies: readonly Reply[] }> {
  const client = await OddClient.connect(port)
  for (const bytes of writes) client.send(bytes)
  client.socket.end()
  const replies = await client.rest()
  return { words: verdictOn(replies), replies }
}

/** What came back, in the terms of the table. */
function verdictOn(replies: readonly Reply[]): Case['expect'] {
  const types = replies.map((reply) => (reply === 'closed' ? 0 : reply.type))
  const statuses = replies.map(statusOf).filter((status) => status !== undefined)
  if (types.includes(pduType.abort)) return 'abort'
  if (types.includes(pduType.rj)) return 'reject'
  const last = statuses.at(-1)
  if (last !== undefined) return last
  return types.includes(pduType.ac) ? 'served' : 'nothing'
}
