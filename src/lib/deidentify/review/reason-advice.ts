import { isReleasableReturned } from '../returned/held-returned.ts'
import { isReleasable, isReleasableAnyway, type ReasonCode } from '../reasons.ts'

/** What the person who decides has to look at, by reason. */
const looks: Readonly<Record<ReasonCode, string>> = {
  'burned-in-annotation': 'look at all pictures: is anything about the patient written in them?',
  'screen-capture': 'look at all pictures: screens often show names',
  'classified-check-burned-in': 'a rule wants the pictures looked at: is anything written in them?',
  'recognizable-visual-features': 'could somebody recognize the face? does the project allow that?',
  'overlay-in-pixel-data':
    'something lies in unused bits of the pixels: look with a viewer that shows overlays',
  'pixel-rule': 'a rule of the profile wants a person to look: open the objects, release or drop',
  'text-in-pixels': 'text was found in the pixels: look at them, release or drop',
  'text-search-failed':
    'text could not be looked for: install tesseract-ocr and replay, or look and decide',
  'pixels-not-masked':
    'pixels were to be masked and are as they were: look at all of them; if there is text, send them decompressed and replay the record, or drop',
  'faces-not-removed':
    'faces were to be removed and are as they were: mend the command of the profile (deface) and replay, or drop',
  'profile-review':
    'a rule of the profile wants a person to look at this attribute: read it, release or drop',
  'bytes-behind-pixels':
    'no viewer shows what lies behind the pixels: have it looked at by somebody who can read bytes',
  'damaged-pixel-data': 'attributes and pixels contradict each other: send the objects again',
  'incomplete-object':
    'pixels or samples are missing: send the objects again, or is the rest enough?',
  'encapsulated-document': 'read the whole document: it goes out as it is',
  'raw-data': 'nobody can look into raw data: is the project allowed to have it as it is?',
  voice: 'listen to it: somebody may be named',
  'surface-scan': 'could somebody be recognized by the surface?',
  'unknown-sop-class':
    'what are these objects, and can they hold an identity outside of known attributes?',
  'objects-missing': 'are all objects there? send what is missing again',
  'patient-conflict': 'are these objects of one patient? if not, they must not go out together',
  'participant-of-other-patient':
    'another patient is this participant already: is it the same person? who was meant? fiona-crosswalk find --participant tells who it is',
  'patient-is-other-participant':
    'this patient is another participant of the project already: which is right? fiona-crosswalk find --patient tells',
  'study-has-other-uid':
    'this study went out with other UIDs: the key, uidRoot or uidStyle was changed since. Give the project its former key (projects.*.deidentify.keyFile), drop this and replay; released, it becomes a second study',
  'dates-have-other-shift':
    'the studies of this participant were made with another key: the days between them would be wrong. Give the project its former key (projects.*.deidentify.keyFile), drop this and replay',
  'nothing-left':
    'the project excludes every object: is that meant? drop it, or change `exclude` and replay it',
  'unreadable-object': 'send the objects again, or leave them out of the study and replay it',
  'unreadable-value': 'send the objects again; if they come so again, their maker must mend them',
  'unknown-transfer-syntax': 'send the objects in a syntax of the standard',
  'unknown-character-set': 'the declared character set is not known: its maker must mend it',
  'pixels-elsewhere': 'the pixels are on a server: send objects that have them',
  'foreign-object': 'an object of another study lies with it: find out how it came there',
  'same-uid-twice': 'two different objects have one UID: find out which is right',
  'identity-found':
    'values known of the patient are in what would go out: correct the objects at the source',
}

/** All there are. */
export const reasonCodes = Object.keys(looks) as readonly ReasonCode[]

export interface Advice {
  readonly look: string
  /** How it may go out all the same. */
  readonly release: 'release' | 'releaseAnyway' | 'mend'
}

/**
 * @param code of a held.json, which may be of a later version
 * @param isReturned of a study that came back from processing
 */
export function adviceFor(code: string, isReturned = false): Advice {
  const known = code as ReasonCode
  if (isReturned && !isReleasableReturned(known)) {
    return { look: 'have it sent again as the participant alone, without that', release: 'mend' }
  }
  return {
    look: Object.hasOwn(looks, code) ? looks[known] : 'this version does not know the reason',
    release: isReleasable(known) ? 'release' : isReleasableAnyway(known) ? 'releaseAnyway' : 'mend',
  }
}
