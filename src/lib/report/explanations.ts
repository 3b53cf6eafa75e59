/** Words of the records, for readers who do not know DICOM. */
const explanations: Readonly<Record<string, string>> = {
  removed: 'elements that the standard (DICOM PS3.15, Table E.1-1) wants removed',
  emptied: 'elements that the standard wants without a value',
  replaced: 'elements whose value became another one that tells nothing',
  cleaned: 'texts of which only words of imaging remain',
  shifted: 'dates moved by days that are secret and the same for all of a participant',
  uids: 'identifiers of objects, replaced by keyed ones; the same everywhere in the project',
  private: 'elements of manufacturers, whose meaning is not public: removed',
  unlisted: 'elements that the standard does not name and that could tell of a person: removed',
  malformed: 'elements whose value is not what such an element may have: removed',
  'burned-in-annotation':
    'the pictures could have text written in them; somebody looked and let them pass',
  'screen-capture': 'pictures of a screen; somebody looked and let them pass',
  'classified-check-burned-in':
    'a rule of the site wanted the pictures looked at; somebody did and let them pass',
  'recognizable-visual-features':
    'a person could be recognized by the picture; somebody let it pass',
  'overlay-in-pixel-data':
    'something lay in unused bits of the pixels; somebody looked and let it pass',
  'pixel-rule':
    'a rule of the project wanted the pictures looked at; somebody did and let them pass',
  'text-in-pixels': 'text was found in the pictures; somebody looked and let it pass',
  'text-search-failed':
    'text in the pictures could not be looked for by machine; somebody looked and let them pass',
  'profile-review':
    'a rule of the project wanted a value looked at; somebody read it and let it pass',
  'pixels-not-masked':
    'pictures that were to be masked, and could not be; somebody took it upon them to let them pass',
  'incomplete-object': 'an object without all of its pixels or samples; somebody let it pass',
  'encapsulated-document':
    'a document such as a PDF, which goes out as it is; somebody read it and let it pass',
  'raw-data': 'data of a machine that nobody can look into; somebody let it pass',
  voice: 'a recorded voice; somebody listened and let it pass',
  'surface-scan': 'the surface of a body; somebody let it pass',
  'unknown-sop-class': 'a kind of object without rules of its own; somebody looked and let it pass',
  'objects-missing': 'fewer objects than announced; somebody let the rest pass',
  'patient-conflict': 'objects of more than one patient number; somebody let them pass as one',
  'participant-of-other-patient':
    'the participant was another patient before; somebody decided that both are one',
  'patient-is-other-participant':
    'the patient was another participant before; somebody decided to have two',
  'study-has-other-uid':
    'a study that went out before with other UIDs; somebody decided to have it twice',
  'dates-have-other-shift':
    'dates that are shifted by other days than in earlier studies of the participant; somebody let them pass',
  'identity-found':
    'the search found something known of the patient; somebody took it upon them to let it pass',
  'faces-not-removed':
    'faces that the project wanted removed, and that could not be; somebody took it upon them to let them pass',
  'bytes-behind-pixels':
    'bytes behind the pixels that no viewer shows; somebody took it upon them to let them pass',
  'damaged-pixel-data':
    'attributes and pixels that contradict each other; somebody took it upon them to let them pass',
}

export function explanationOf(word: string): string | undefined {
  return Object.hasOwn(explanations, word) ? explanations[word] : undefined
}
