import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/index.ts'
import { DicomFile } from '../dicom/index.ts'
import { openAssociation } from '../dimse/index.ts'
import { FionaError } from '../error/index.ts'
import type { DemoFile } from './make-demo-study.ts'

/**
 * What a scanner does: one association, a C-STORE for each object.
 * @throws FionaError when the receiver does not answer, or refuses an object
 */
export async function sendOverNetwork(
  files: readonly DemoFile[],
  config: Config,
  signal: AbortSignal,
  print: (text: string) => Promise<void>,
): Promise<void> {
  const objects = files.map(({ path }) => {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    return {
      path,
      SOPClassUID: file.string(file.dataSet, 0x00080016) ?? '',
      SOPInstanceUID: file.string(file.dataSet, 0x00080018) ?? '',
      transferSyntaxUID: file.transferSyntaxUID,
      dataSetOffset: file.dataSetOffset,
    }
  })
  const contexts = new Map(
    objects.map(({ SOPClassUID, transferSyntaxUID }) => [
      `${SOPClassUID} ${transferSyntaxUID}`,
      { abstractSyntax: SOPClassUID, transferSyntaxes: [transferSyntaxUID] },
    ]),
  )
  const { port, aeTitle } = config.receiver
  const association = await whenItAnswers(() =>
    openAssociation({
      host: '127.0.0.1',
      port,
      callingAETitle: 'DEMOSCANNER',
      calledAETitle: aeTitle,
      contexts: [...contexts.values()],
      timeoutSeconds: 30,
      signal,
    }),
  )
  await print(`Sending ${objects.length} objects to port ${port}, as a scanner would`)
  for (const object of objects) {
    const { status, errorComment } = await association.store(object)
    if (status !== 0) {
      throw new FionaError(
        'E_DEMO',
        `the receiver refused an object: ${status.toString(16)} ${errorComment ?? ''}`,
      )
    }
  }
  await association.release()
}

/** The chain has only just been started: its port may not be open yet. */
async function whenItAnswers<Value>(connect: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect()
    } catch (error) {
      const isTooEarly = error instanceof FionaError && error.code === 'E_CONNECT'
      if (!isTooEarly || attempt === 100) throw error
      await wait(200)
    }
  }
}
