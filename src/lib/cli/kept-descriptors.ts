/** Where descriptors that are handed over begin (sd_listen_fds(3)). */
const firstDescriptor = 3

/** What the service manager keeps open for this service while no process of it lives. */
export interface Keepsake {
  readonly name: string
  /** undefined where Node does not tell: then it cannot be kept. */
  readonly descriptor: number | undefined
}

/** The name says the port, which so stands in the configuration alone: one that changed there is asked for in vain. */
export function keepsakeOfPort(port: number): string {
  return `port-${String(port)}`
}

/**
 * What the service manager has kept (the file descriptor store, systemd 254): a listening socket, in which whoever
 * connected meanwhile waits; a named pipe, with what nobody has read yet.
 * @returns descriptors by the names they were given; whoever takes one closes it
 */
export function takeKept(
  environment: NodeJS.ProcessEnv = process.env,
): ReadonlyMap<string, number> {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = environment
  // They are for this process, not for what it starts.
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) {
    Reflect.deleteProperty(environment, name)
  }
  if (Number(pid) !== process.pid) return new Map()
  const given = names.split(':').slice(0, Number(count))
  return new Map(given.map((name, at) => [name, firstDescriptor + at]))
}
