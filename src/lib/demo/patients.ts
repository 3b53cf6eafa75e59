import { encodeText } from '../dicom/index.ts'
import type { PlantedIdentity } from './find-identity.ts'
import type { Attributes } from './attributes.ts'

/** An invented person in an invented hospital. */
export interface DemoPatient {
  readonly characterSets: readonly string[]
  readonly name: string
  /** What every object of this patient says about persons and places. */
  readonly attributes: Attributes
  readonly identities: readonly PlantedIdentity[]
}

/** Alphabetic, ideographic and phonetic group (PS3.5 H.3). */
export const japanesePatient = patient({
  characterSets: ['', 'ISO 2022 IR 87'],
  name: 'Yamada^Tarou=山田^太郎=やまだ^たろう',
  id: 'JP-4711-0815',
  birthDate: '19580317',
  sex: 'M',
  age: '068Y',
  accession: 'ACC20260042',
  referring: 'Suzuki^Hanako=鈴木^花子',
  operator: 'Sato^Ichiro',
  institution: 'Sakura Medical Center',
  address: '1-2-3 Hanamachi, Kawanabe',
  telephone: '+81-55-0100-4711',
})

/** PS3.5 I.2. */
export const koreanPatient = patient({
  characterSets: ['', 'ISO 2022 IR 149'],
  name: 'Hong^Gildong=洪^吉洞=홍^길동',
  id: 'KR-0099-3141',
  birthDate: '19710926',
  sex: 'F',
  age: '055Y',
  accession: 'ACC20260043',
  referring: 'Bak^Jiyeon=박^지연',
  operator: 'Choe^Minjun',
  institution: 'Hanbit Hospital',
  address: '45 Gaontae-ro, Sinpyeong',
  telephone: '+82-55-0100-3141',
})

interface Facts {
  readonly characterSets: readonly string[]
  readonly name: string
  readonly id: string
  readonly birthDate: string
  readonly sex: string
  readonly age: string
  readonly accession: string
  readonly referring: string
  readonly operator: string
  readonly institution: string
  readonly address: string
  readonly telephone: string
}

function patient(facts: Facts): DemoPatient {
  return {
    characterSets: facts.characterSets,
    name: facts.name,
    attributes: {
      SpecificCharacterSet: facts.characterSets,
      PatientName: facts.name,
      PatientID: facts.id,
      PatientBirthDate: facts.birthDate,
      PatientSex: facts.sex,
      PatientAge: facts.age,
      PatientAddress: facts.address,
      PatientTelephoneNumbers: facts.telephone,
      AccessionNumber: facts.accession,
      ReferringPhysicianName: facts.referring,
      OperatorsName: facts.operator,
      InstitutionName: facts.institution,
    },
    identities: identitiesOf(facts),
  }
}

/** What to look for in what was delivered, as the objects hold it and in UTF-8; names part by part. */
function identitiesOf(facts: Facts): PlantedIdentity[] {
  const parts = (what: string, name: string) =>
    name.split(/[=^]/).map((part) => [what, part] as const)
  const values = [
    ...parts('PatientName', facts.name),
    ...parts('ReferringPhysicianName', facts.referring),
    ...parts('OperatorsName', facts.operator),
    ['PatientID', facts.id],
    ['PatientBirthDate', facts.birthDate],
    ['PatientAddress', facts.address],
    ['PatientTelephoneNumbers', facts.telephone],
    ['AccessionNumber', facts.accession],
    ['InstitutionName', facts.institution],
  ] as const
  return values.map(([what, value]) => {
    const encoded = encodeText(value, 'PN', facts.characterSets)
    return { what, value, ...(encoded === undefined ? {} : { encodings: [encoded] }) }
  })
}
