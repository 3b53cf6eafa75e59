import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { isJournalStream, withPriority } from '../../src/lib/cli/journal-stream.ts'
import { binDir } from '../fixtures/peers.ts'

/** The service manager's end: a datagram socket, which Node has not. Prints each message in one line. */
const listener = `
import socket, sys, os, array
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound', flush=True)
while True:
    data, extra, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(64))
    for level, kind, fds in extra:
        # The barrier: closing it says that the message was taken.
        if kind == socket.SCM_RIGHTS:
            for fd in array.array('i', fds[:len(fds) // 4 * 4]): os.close(fd)
    print(data.decode().replace('\\n', ' '), flush=True)
`
const missing = ['systemd-notify', 'python3'].find(
  (command) => spawnSync(command, ['--version']).status !== 0,
)

t.test(
  'a receiver says when it is ready, that it is well, and that it stops',
  { skip: missing === undefined ? false : `${missing} is not installed` },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fiona-notify-'))
    const socket = join(folder, 'notify')
    const manager = spawn('python3', ['-c', listener, socket], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => {
      manager.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    })
    const said = createInterface({ input: manager.stdout })[Symbol.asyncIterator]()
    const next = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const { value, done } = (await said.next()) as IteratorResult<string, undefined>
        if (done === true) return ''
        if (pattern.test(String(value))) return String(value)
      }
    }
    await next(/^bound$/)
    const receiver = spawn(
      join(binDir, 'fiona-scp'),
      ['--port', '0', '--data-dir', join(folder, 'data')],
      {
        stdio: ['ignore', 'ignore', 'ignore'],
        env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' },
      },
    )
    t.teardown(() => receiver.kill('SIGKILL'))
    // Without it nobody says anything any more.
    receiver.once('exit', (code) => {
      if (code !== 0) manager.kill('SIGKILL')
    })
    t.match(await next(/READY=1/), /STATUS=listening on \d+/)
    t.equal(await next(/WATCHDOG=1/), 'WATCHDOG=1')
    const exited = once(receiver, 'exit')
    receiver.kill('SIGTERM')
    t.match(await next(/STOPPING=1/), /STOPPING=1/)
    t.strictSame(await exited, [0, null])
  },
)

t.test('a line of the log has its priority in front', async (t) => {
  t.equal(withPriority('{"level":30,"msg":"a"}\n'), '<6>{"level":30,"msg":"a"}\n')
  t.equal(withPriority('{"level":50,"msg":"a"}\n'), '<3>{"level":50,"msg":"a"}\n')
  t.equal(withPriority('no log\n'), 'no log\n')
})

t.test('only the stream that systemd names is the journal', async (t) => {
  t.equal(isJournalStream(2, undefined), false)
  t.equal(isJournalStream(2, '1:1'), false)
  t.equal(isJournalStream(9999, '1:1'), false)
})
