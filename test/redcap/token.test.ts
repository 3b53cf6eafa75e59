import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readToken } from '../../src/lib/redcap/token.ts'
import { temporary, tokens } from './served.ts'

const directory = temporary()

t.test('a token is read from a file that nobody else can read', async (t) => {
  const path = join(directory, 'token')
  writeFileSync(path, `  ${tokens.incoming}\r\n`, { mode: 0o600 })
  t.equal((await readToken(path)).reveal(), tokens.incoming)
  for (const mode of [0o640, 0o604, 0o660, 0o622]) {
    chmodSync(path, mode)
    await t.rejects(readToken(path), { code: 'E_REDCAP_TOKEN', exitCode: 77, hint: /chmod 600/ })
  }
})

t.test('what is no token is refused, and not shown', async (t) => {
  for (const [name, content] of [
    ['empty', ''],
    ['short', tokens.incoming.slice(1)],
    ['two', `${tokens.incoming}\n${tokens.own}`],
    ['other', `token=${tokens.incoming}`],
    ['large', 'A'.repeat(5000)],
  ] as const) {
    const path = join(directory, name)
    writeFileSync(path, content, { mode: 0o600 })
    await t.rejects(readToken(path), { code: 'E_REDCAP_TOKEN', exitCode: 78 }, name)
    const said = await readToken(path).catch((error: unknown) => String(error))
    t.notMatch(said, tokens.incoming)
  }
  mkdirSync(join(directory, 'folder'), { mode: 0o700 })
  await t.rejects(readToken(join(directory, 'folder')), { code: 'E_REDCAP_TOKEN' })
  await t.rejects(readToken(join(directory, 'nowhere')), {
    code: 'E_REDCAP_TOKEN',
    message: /ENOENT/,
  })
})
