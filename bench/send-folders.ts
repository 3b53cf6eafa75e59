// DCMTK's dcmsend as the sender of every bench of reception.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** One dcmsend, one association. @throws when not every object was taken */
export async function sendFolders(port: number, folders: readonly string[]): Promise<void> {
  const sender = spawn('dcmsend', ['+sd', '+r', '127.0.0.1', String(port), ...folders], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, TCP_NODELAY: '1' },
  })
  const [code] = (await once(sender, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`dcmsend ended with ${String(code)}`)
}
