/**
 * Cyrillic and Greek names as they are written in Latin letters. There is no one way to do it: each table
 * is one that passports, libraries or newspapers use, and a name is looked for in all of them.
 */
type Table = ReadonlyMap<string, string>

function table(pairs: string, base?: Table): Table {
  const own = pairs.split(/\s+/).map((pair) => {
    const [letter = '', latin = ''] = pair.split('=')
    return [letter, latin] as const
  })
  return new Map([...(base ?? []), ...own])
}

/** ICAO 9303 (passports), for Russian and its neighbours. */
const icao = table(
  `а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts
  ч=ch ш=sh щ=shch ъ=ie ы=y ь= э=e ю=iu я=ia ґ=g є=ie і=i ї=i ў=u ј=j љ=lj њ=nj ћ=c ђ=dj џ=dz ѓ=g
  ќ=k ѕ=dz ѐ=e ѝ=i`,
)
/** BGN/PCGN, of maps and newspapers in English. */
const english = table('ё=yo й=y ъ= ю=yu я=ya є=ye ї=yi', icao)
/** The same with the endings of names as they are mostly shortened. */
const newspapers = table('ий=y ый=y', english)
/** Ukrainian passports (resolution 55 of 2010). */
const ukrainian = table('г=h и=y ъ=', icao)
/** Scholars and libraries (ISO 9 without its accents). */
const scholarly = table('ё=e ж=z й=j х=h ц=c ч=c ш=s щ=sc ъ= ю=ju я=ja є=je ї=ji', icao)
/** German newspapers and, for the sounds, their neighbours. */
const german = table(
  'ай=ai ей=ei ой=oi уй=ui ий=i ый=y в=w ё=jo ж=sch з=s й=j х=ch ц=z ч=tsch ш=sch щ=schtsch ъ= ю=ju я=ja є=je ї=ji',
  icao,
)

/** ELOT 743 (ISO 843), of Greek passports; pairs of letters before single ones. */
const greekPassport = table(
  `ου=ou αυ=av ευ=ev ηυ=iv γγ=ng γξ=nx γχ=nch μπ=mp α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m
  ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch ψ=ps ω=o ϊ=i ϋ=y`,
)
/** The same where a voiceless consonant follows. */
const greekVoiceless = table('αυ=af ευ=ef ηυ=if', greekPassport)
/** As it is heard. */
const greekSound = table('γκ=g μπ=b ντ=d χ=h υ=i ϋ=i', greekVoiceless)
/** As scholars write ancient names. */
const greekClassical = table('αυ=au ευ=eu ηυ=eu β=b η=e φ=ph υ=u', greekPassport)

/** Letters that look the same, in capitals or small: somebody's keyboard, or somebody's wish to hide. */
const alike = table(
  `а=a в=b е=e ѕ=s і=i ј=j к=k м=m н=h о=o р=p с=c т=t у=y х=x α=a β=b ε=e ζ=z η=h ι=i κ=k μ=m ν=n ο=o
  ρ=p τ=t υ=y χ=x`,
)

const cyrillic = [icao, english, newspapers, ukrainian, scholarly, german]
const greek = [greekPassport, greekVoiceless, greekSound, greekClassical]

/**
 * All ways in which this text may stand in Latin letters, none of which it has to be; [] without a
 * Cyrillic or Greek letter. What is of neither script stays.
 * @param lower in small letters, composed (NFC)
 */
export function latinSpellings(lower: string): string[] {
  const tables = [
    ...(/\p{Script=Cyrillic}/u.test(lower) ? cyrillic : []),
    ...(/\p{Script=Greek}/u.test(lower) ? greek : []),
  ]
  if (tables.length > 0 && /[a-z]/.test(lower)) tables.push(alike)
  return [...new Set(tables.map((each) => spell(lower, each)))]
}

function spell(lower: string, letters: Table): string {
  // Accents over Greek vowels say where the stress is; those of й, ё and ї make other letters.
  const text = /\p{Script=Greek}/u.test(lower)
    ? lower
        .normalize('NFD')
        .replace(/[\u0300\u0301\u0313\u0314\u0342\u0345]/g, '')
        .normalize('NFC')
    : lower
  let out = ''
  for (let at = 0; at < text.length;) {
    const pair = letters.get(text.slice(at, at + 2))
    const one = text.charAt(at)
    out += pair ?? letters.get(one) ?? one
    at += pair === undefined ? 1 : 2
  }
  return out
}
