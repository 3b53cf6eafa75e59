import { imagingVocabulary } from '../descriptors/imaging-vocabulary.ts'

/** Parts of names that are words of a language, and titles. */
const particles = new Set(
  `van der den von vom zur del della dos das los las des ter ten bin ibn san and und prof drs med phd
  mrs miss herr frau dhr mevr jun sen`.split(/\s+/),
)

/** Words that every other study holds: as a surname they are found with the given name only. */
const imagingWords = new Set(
  `abdomen agfa angio ankle anonymized anonymous aorta apex arm axial axis back base bone brain
  breast canon cardiac carestream cast center centre chest child clinic contrast corporation coronal cross delta demo
  department derived doctor dose dummy elbow electric example female field film flow foot form forward frame
  front fuji general grid hand head healthcare healthineers heart hip hitachi hologic hospital image imaging inter joint knee
  large left leg level light limb line liver long lung major maker male map mask mean medical mid
  minor mode motion move neck new none normal null original other panel patient pelvis phantom
  phase philips plane plus point primary probe protocol quality radiology rest right sagittal sample scan
  scanner screen secondary series short shoulder siemens skull slice small soft spin spine
  standard study sub systems test tissue tool toshiba trace tube unit unknown value view volume wave white
  window wrist`.split(/\s+/),
)

/** Of the terms that the standard defines, and that devices write, more than descriptions have. */
const longWords =
  `america american anisotropic anisotropy automatic centimeter coefficient coefficients continuous continuously
  convolution deformable deviation diastole diastolic dimensional directional discontinuous discovery
  electromagnetic electron essential fluorescence fluoroscopic fractional frequency function gaussian generator geometry
  germanium gradient grayscale hounsfield identity intensity intravenous linear linearity lutetium manufacturer
  matching material mosaic multiplanar nonlinear normalization normalize normalized normalised orientation
  partial photometric polynomial preliminary radiopharmaceutical recumbent registration rendering rescale
  resonance resonant semiautomatic sensation sequential sigmoid spiral standardized structure supplementary surface
  symphony systole systolic threshold transducer transform transformation transmit transmitted transparency uniform
  unpaired`.split(/\s+/)

let known: ReadonlySet<string> | undefined

/** A word of imaging, or a particle. */
export function isCommon(word: string): boolean {
  return imagingWords.has(word) || particles.has(word)
}

/**
 * Does a term stand in a text otherwise than as a piece of a longer word that is in every other study? `norma` is no name
 * in `normalized`, nor `conti` in `discontinuous`; in `normaxyz` it may be.
 * @param text folded, or bytes in small letters
 */
export function standsIn(term: string, text: string): boolean {
  for (let at = text.indexOf(term); at !== -1; at = text.indexOf(term, at + 1)) {
    const word = wordAround(text, at, at + term.length)
    if (word.length <= term.length || !isKnown(word)) return true
  }
  return false
}

const inText = { letter: /\p{L}/u, digit: /\p{N}/u }
const inBytes = { letter: /[a-z]/, digit: /[0-9]/ }

/**
 * Does it stand there with an end at both ends? `li an` does not in `scan line angle`, nor `ct 64` in `ct 640`.
 * @param areBytes what is beyond ASCII in bytes is no letter of a word
 */
export function standsAlone(term: string, text: string, areBytes = false): boolean {
  const { letter, digit } = areBytes ? inBytes : inText
  /** Whether a character beside the term is more of the word or number at its end. */
  const continues = (beside = '', edge = ''): boolean =>
    letter.test(beside) || (digit.test(beside) && digit.test(edge))
  for (let at = text.indexOf(term); at !== -1; at = text.indexOf(term, at + 1)) {
    const end = at + term.length
    const isBegun = continues(text[at - 1], text[at])
    if (!isBegun && !continues(text[end], text[end - 1])) return true
  }
  return false
}

/** A word that is in every other study, or that a description may keep. */
export function isKnown(word: string): boolean {
  known ??= new Set([...imagingVocabulary(), ...imagingWords, ...longWords])
  return known.has(word)
}

/** The letters of a to z that a piece of text is among. Words of other scripts are not known. */
function wordAround(text: string, from: number, to: number): string {
  let [start, end] = [from, to]
  while (start > 0 && isLetter(text.charCodeAt(start - 1))) start -= 1
  while (end < text.length && isLetter(text.charCodeAt(end))) end += 1
  return text.slice(start, end)
}

function isLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a
}
