import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { ExitCode, FionaError } from '../error/index.ts'
import { readKeyFile } from './key-file.ts'
import { createKeyFile, looksRandom } from './key-maker.ts'
import { escrowLines, keyFingerprint, keyFromLines } from './key-text.ts'

interface Surroundings {
  readonly print: (line: string) => Promise<void>
  readonly log: { warn(message: string): void }
}

/** `key create|fingerprint|escrow|restore FILE`. */
export async function runKeyCommand(
  [command = '', ...files]: readonly string[],
  { print, log }: Surroundings,
): Promise<number> {
  const names = ['create', 'fingerprint', 'escrow', 'restore'] as const
  const known = names.find((name) => name === command)
  const [file] = files
  if (known === undefined || file === undefined || files.length > 1) {
    throw new FionaError('E_USAGE', `key needs one of ${names.join(', ')}, and a file`, {
      hint: 'run fiona-crosswalk --help',
      exitCode: ExitCode.usage,
    })
  }
  const path = resolve(file)
  switch (known) {
    case 'create': {
      const key = await createKeyFile(path)
      await print(`made ${path}, fingerprint ${keyFingerprint(key)}`)
      await print(`print it for a safe: fiona-crosswalk key escrow ${file}`)
      break
    }
    case 'fingerprint':
      await print(keyFingerprint(await readWarned(path, log)))
      break
    case 'escrow': {
      const lines = escrowLines(await readWarned(path, log))
      await print(
        '# The key of a FIONA: whoever has it and the crosswalk knows who all participants are.',
      )
      await print('# Keep it in a safe. To make the file again: fiona-crosswalk key restore FILE')
      for (const line of lines) await print(line)
      break
    }
    case 'restore': {
      if (process.stdin.isTTY) process.stderr.write('type in all lines, then press Ctrl-D\n')
      const key = await createKeyFile(path, keyFromLines(await text(process.stdin)))
      await print(`made ${path}, fingerprint ${keyFingerprint(key)}`)
    }
  }
  return ExitCode.ok
}

async function readWarned(path: string, log: Surroundings['log']): Promise<Buffer> {
  const key = await readKeyFile(path)
  if (!looksRandom(key))
    log.warn('this key file looks as if it could be guessed: make another one for new projects')
  return key
}
