import { readSecretFile } from '../../../config/index.ts'
import { ExitCode, FionaError } from '../../../error/index.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of credentials that run out. */
  readonly sessionToken?: string
}

const keys = {
  aws_access_key_id: 'accessKeyId',
  aws_secret_access_key: 'secretAccessKey',
  aws_session_token: 'sessionToken',
} as const

/**
 * What a file in the form of `~/.aws/credentials` has in its section `[default]`, or without a section. It is read anew each time: what is
 * renewed there is used at once.
 * @throws FionaError E_SECRET, which names the file and nothing of what is in it
 */
export async function readCredentials(path: string): Promise<Credentials> {
  const text = (await readSecretFile(path, 'the credentials')).toString('utf8')
  const found: { -readonly [Key in keyof Credentials]?: string } = {}
  let isDefault = true
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(.*?)\s*\]\s*$/.exec(line)?.[1]
    if (section !== undefined) isDefault = section === 'default'
    const [, name = '', value = ''] = /^\s*(\w+)\s*=\s*(\S+)\s*$/.exec(line) ?? []
    if (isDefault && Object.hasOwn(keys, name)) found[keys[name as keyof typeof keys]] = value
  }
  const { accessKeyId, secretAccessKey, sessionToken } = found
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new FionaError('E_SECRET', `${path} has no access key and secret key`, {
      hint: 'it has two lines, aws_access_key_id = … and aws_secret_access_key = …, under [default] if it has sections',
      exitCode: ExitCode.badConfig,
    })
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
