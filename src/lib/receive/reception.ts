import type { Config } from '../config/index.ts'
import {
  type AssociationFacts,
  type ClassProvider,
  DicomServer,
  type DicomServerOptions,
} from '../dimse/index.ts'
import { Access, type AccessOptions } from '../intake/index.ts'
import type { Durability, Syncs } from '../storage/index.ts'
import { BlockPool } from './block-pool.ts'
import { Digester } from './digester.ts'
import { type Door, chooseDoors, doorsOf } from './doors.ts'
import { Receiver, type ReceiverOptions } from './receiver.ts'

type OfReceiver = Pick<
  ReceiverOptions,
  'intake' | 'sink' | 'maxPduBytes' | 'log' | 'onStored' | 'onEnded' | 'onSinkLost'
>
type OfServer = Pick<DicomServerOptions, 'maxPduBytes' | 'idleMs' | 'handshakeMs' | 'tls'>

export interface ReceptionOptions extends OfReceiver, OfServer {
  /** Those of the intake and the sink. */
  readonly syncs: Syncs
  readonly durability: Durability
  readonly config: Pick<Config, 'receiver' | 'projects'>
  /** Instead of what the configuration says. */
  readonly port?: number | undefined
  readonly aeTitle?: string | undefined
  /** Only this door: `default` for the common one, or that of a project; undefined: all. */
  readonly door?: string | undefined
  readonly maxAssociations: number
  /** A socket that listens on this port already. */
  readonly descriptorOf?: (port: number) => number | undefined
  /** What is served beside storage at a door; undefined: the common one. */
  readonly othersAt: (project: string | undefined) => readonly ClassProvider[]
}

export interface OpenDoor extends Door {
  readonly port: number
  /** Of its listening socket. */
  readonly descriptor: number | undefined
}

/** All doors of a receiver: what comes in by one takes from what there may be in all. */
export class Reception {
  readonly #pool = new BlockPool()
  readonly #digester = new Digester(this.#pool.memory)
  readonly #opened: { readonly door: OpenDoor; server: DicomServer; receiver: Receiver }[] = []

  /** @throws FionaError E_NO_DOOR, E_PORT_IN_USE, E_PORT_NOT_ALLOWED, E_CONFIG; then none is open */
  static async open(options: ReceptionOptions): Promise<Reception> {
    const reception = new Reception()
    // The doors answer meanwhile: what is handed to the thread waits until it is there.
    const digesting = reception.#digester.start()
    digesting.catch(() => undefined)
    const everybody = new Set<AssociationFacts>()
    try {
      for (const door of chooseDoors(doorsOf(options.config, options), options.door)) {
        await reception.#open(door, options, everybody)
      }
      await digesting
    } catch (error) {
      await reception.close(0)
      throw error
    }
    return reception
  }

  get doors(): readonly OpenDoor[] {
    return this.#opened.map(({ door }) => door)
  }

  /** As `DicomServer.stop`, for all; then what was made ahead is removed. */
  async close(graceMs: number): Promise<void> {
    await Promise.all(this.#opened.map(({ server }) => server.stop(graceMs)))
    await Promise.all(this.#opened.map(({ receiver }) => receiver.close()))
    await this.#digester.close()
  }

  async #open(
    door: Door,
    options: ReceptionOptions,
    everybody: Set<AssociationFacts>,
  ): Promise<void> {
    const { aeTitle, promiscuous, project } = door
    const { allow, maxAssociationsPerAddress, directWrites } = options.config.receiver
    const { maxAssociations } = options
    const who: AccessOptions = {
      aeTitle,
      promiscuous,
      allow,
      maxAssociations,
      maxAssociationsPerAddress,
    }
    const receiver = new Receiver({
      ...options,
      access: new Access(who),
      promiscuous,
      project,
      others: options.othersAt(project),
      syncs: options.syncs,
      writing: {
        pool: this.#pool,
        digester: this.#digester,
        // Where nobody waits for the disk, nobody needs to go past the cache to it.
        direct: directWrites && options.durability === 'fsync',
      },
      everybody,
    })
    const server = await DicomServer.listen(receiver, receiver, {
      ...options,
      port: door.port,
      descriptor: options.descriptorOf?.(door.port),
    })
    const { port, descriptor } = server
    this.#opened.push({ door: { ...door, port, descriptor }, server, receiver })
  }
}
