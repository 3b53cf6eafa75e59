import type { FionaError } from '../error/index.ts'
import type {
  DeidentifiedRecord,
  ErrorRecord,
  HeldRecord,
  RequestRecord,
  StudyRecord,
  TransferRecord,
} from '../record/index.ts'

/** A complete study, as a source is asked about it. */
export interface StudyInQuestion {
  /** The same for each revision, in all processes: of the tree that it lies in, and the StudyInstanceUID. */
  readonly key: string
  readonly StudyInstanceUID: string
  /** The project whose tree it lies in; not yet the research project. */
  readonly tree: string | undefined
  readonly revision: number
  /** As it came last. */
  readonly record: StudyRecord
  /**
   * All that is known under a name, without padding, empty texts left out: the connection facts `callingAET`, `calledAET`, `address` (several
   * where the study has several senders), `ClassifyType` (of the study and its series), or a DICOM keyword: as the record has it, else as the
   * header of the first object that can be read. Reading a header is work: ask the record's own keywords first.
   */
  values(name: string): readonly string[]
}

/** The patient gets a name that is made of a pattern, the same for the same patient in that project. */
export interface AllocateParticipant {
  /** The grammar of parity with gen-id: literals, `[a-z]`, `{n}`, `(a|b)`, `\d`. Undefined: the pattern of the project. */
  readonly allocate: string | undefined
}

/** One request that a source asks for. */
export interface Decision {
  readonly project: string
  /** As the source has it: nothing about it has to be valid. What cannot be written is held, and said so. */
  readonly participant: string | AllocateParticipant
  readonly event?: string | undefined
  /** Where it comes from, for people: `table coupling.csv, line 7`. No patient. */
  readonly requestedBy: string
}

/** What a source knows of a research project, beside or in place of what the configuration says. */
export interface ProjectFacts {
  /** A regular expression that the whole of a participant must fit. */
  readonly naming?: string | undefined
  /** Pattern of AutoID. */
  readonly autoId?: string | undefined
  /** False: nothing is requested for it. */
  readonly active?: boolean | undefined
  /** First and last day, `YYYY-MM-DD`, by the clock of this machine. */
  readonly from?: string | undefined
  readonly until?: string | undefined
  /** Objects that it does not want, as `exclude` of a project of the configuration has them. */
  readonly exclude?: readonly Readonly<Record<string, string>>[] | undefined
}

/** Names of participants that were given elsewhere: AutoID gives none of them to somebody else. */
export interface GivenNames {
  /** False: they could not be read yet. Nobody gets a new name until they are. */
  readonly areKnown: boolean
  /** How many there are. */
  readonly count: number
  /** What they say of the patient of a study. To be asked once, for it may take a digest. */
  readonly of: (study: StudyInQuestion) => NamesOfPatient
}

export interface NamesOfPatient {
  /** More than one: somebody has to look. */
  readonly participants: readonly string[]
  /** Whether it belongs to another patient. */
  readonly isOfAnother: (participant: string) => boolean
}

/**
 * Of which studies the answers may have changed: those that one of these values is of. They are looked at though they were decided;
 * nothing given: of all that wait or are held.
 */
export interface Changed {
  readonly StudyInstanceUID?: ReadonlySet<string>
  readonly AccessionNumber?: ReadonlySet<string>
  readonly PatientID?: ReadonlySet<string>
}

/** What a source gets when it is opened, and may use until it is closed. */
export interface SourceContext {
  /** A directory of its own for what it remembers, mode 0700, made when it is opened; undefined: memory is all there is. */
  readonly directory: string | undefined
  /** Studies that wait, or are held, are matched again soon; not in this call. May be called at any time, often. */
  readonly changed: (which?: Changed) => void
  /**
   * Something is wrong, and the source goes on with what it has: logged (the same is not said again), and shown with what waits.
   * Other sources are not affected. Undefined: it is well again.
   */
  readonly trouble: (error: FionaError | undefined) => void
  /** Aborted when the tool ends: whatever waits is to stop waiting. */
  readonly signal: AbortSignal
}

/** What becomes of a request: the record that fiona-anon or fiona-send made of it, or the error record that holds it. */
export type ResultRecord = DeidentifiedRecord | TransferRecord | HeldRecord | ErrorRecord

/**
 * One place where "this study goes to that project as that participant" comes from. It answers at once with what it
 * knows now; whatever has to be waited for (a file, a server) it waits for by itself, and tells when its answers may
 * have changed. Sources are asked in the order of the configuration, and all are asked: what they say is put together,
 * and where two contradict each other a person decides.
 *
 * The hooks are told of what happened, at least once and in order for one study; they return at once and do not throw. A source that must not
 * forget what it was told makes it durable in `sync`.
 */
export interface RequestSource {
  /** For people and files: letters, digits, `-`; one of its own among the sources of a site. */
  readonly name: string
  /**
   * Resolves as soon as it can answer, not when a server did: the stream waits for it.
   * @throws FionaError only for what makes it useless for good, as a mistake in the configuration
   */
  open(context: SourceContext): Promise<void>
  close(): Promise<void>
  /** Nothing: it does not know the study (yet). Called for each revision, and again whenever anything changed. */
  decide(study: StudyInQuestion): readonly Decision[]
  /**
   * By hand, at the end of the input: resolves when what `decide` says is no longer going to change by itself (the server has answered, or
   * cannot be reached). Without it: it is not waited for.
   */
  settled?(): Promise<void>
  /** Why it has nothing to say, for the list of what waits; one clause, no value of the patient. */
  whyNot?(study: StudyInQuestion): string | undefined
  /** Undefined: it does not know the project. */
  projectFacts?(project: string): ProjectFacts | undefined
  /** Undefined: it keeps no names of that project. */
  givenNames?(project: string): GivenNames | undefined
  /** Everything that the hooks were told before is on stable storage when it resolves: a mark is about to pass. */
  sync?(): Promise<void>

  /** A complete study came, or a further revision of it; before it is decided about. */
  studySeen?(study: StudyInQuestion): void
  /** Whoever asked for it: a request was made, or made again for a later revision. */
  requestMade?(request: RequestRecord, study: StudyInQuestion): void
  /** AutoID gave the patient of the study this name, now or before; with each request that is made under it. */
  nameGiven?(project: string, participant: string, study: StudyInQuestion): void
  /** Nothing was said of it by any source. */
  studyWaits?(study: StudyInQuestion): void
  /** A person must look first; the reasons are in the record. */
  studyHeld?(held: HeldRecord, study: StudyInQuestion): void
  /** What the journals behind say of a request that was made here. */
  result?(record: ResultRecord): void
}
