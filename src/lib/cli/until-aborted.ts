/** Resolves when any of the signals aborts: what a server waits for between its start and its end. */
export async function untilAborted(...signals: readonly AbortSignal[]): Promise<void> {
  const signal = AbortSignal.any([...signals])
  if (signal.aborted) return
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true })
  })
}
