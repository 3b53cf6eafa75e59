// The thread behind `StudyPartner`: makes some objects of a study, and searches what it has made.
import { parentPort, workerData } from 'node:worker_threads'
import { loadProjectProfiles } from '../profile/project-profiles.ts'
import { uidWayOf } from '../profile/profile.ts'
import { Pseudonyms } from '../pseudonyms.ts'
import { IdentitySearch } from '../search/search-identity.ts'
import { exclusionOf } from './exclusions.ts'
import { findInOutput } from './find-in-output.ts'
import { ObjectMaker, type ObjectNotes } from './object-maker.ts'
import { StagedStudy } from './outbox.ts'
import type {
  Findings,
  PartnerAnswer,
  PartnerQuestion,
  PartnerSetup,
  SharedStudy,
} from './partner-messages.ts'
import { type Share, newNotes, shareOf } from './share.ts'

const { projects, override, uidRoot } = workerData as PartnerSetup
const profiles = loadProjectProfiles(projects, override)
// Whoever asks is told: a rejection that nobody has asked about yet is no reason to end.
profiles.catch(() => undefined)

interface Part {
  readonly maker: ObjectMaker
  readonly notes: ObjectNotes
  readonly given: readonly string[]
}
let part: Part | undefined

parentPort?.on('message', (question: PartnerQuestion) => {
  // One after the other: the next is asked when this is answered.
  void answer(question).then(
    (done) => {
      say({ done })
    },
    () => {
      say('failed')
    },
  )
})

function say(message: PartnerAnswer): void {
  parentPort?.postMessage(message)
}

async function answer(question: PartnerQuestion): Promise<Share | Findings | undefined> {
  if (question.ask === 'begin') {
    part = await begin(question.study)
    return undefined
  }
  if (part === undefined) throw new Error('no study was begun')
  const { maker, notes, given } = part
  switch (question.ask) {
    case 'make':
      await maker.make(question.sources)
      return undefined
    case 'finish':
      await maker.done()
      return shareOf(notes)
    case 'search': {
      // Nothing that is known of the patient stays here.
      part = undefined
      const search = new IdentitySearch(question.terms, given)
      return new Map(question.paths.map((path) => [path, findInOutput(search, path)]))
    }
  }
}

async function begin(study: SharedStudy): Promise<Part> {
  const { project, key, given, durable, outbox, staged, final, isLater } = study
  const profile = (await profiles)(project)
  if (profile.digest !== study.profileDigest) throw new Error('the profile is another one')
  const ofProject = projects[project]?.exclude ?? []
  const exclusion = exclusionOf([...ofProject, ...profile.exclude, ...study.exclude])
  const pseudonyms = new Pseudonyms(Buffer.from(key), project, uidRoot, uidWayOf(profile))
  const notes: ObjectNotes = {
    ...newNotes(study.participant, profile.extraTerms),
    staged: new StagedStudy(outbox, staged, durable, 'scratch-of-partner'),
    final,
    isLater,
    heads: undefined,
  }
  return {
    maker: new ObjectMaker({ ...study, profile, pseudonyms, exclusion }, notes),
    notes,
    given,
  }
}
