// What Table E.1-1 does not list, and we do not keep: said here a second time, on purpose. Whoever changes one side
// has to think of the other, and no row can go without a word.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { type ProfileOption, decideByTable, tableOptions } from '../../src/lib/deidentify/index.ts'
import { DicomFile, formatTag, knownKeywords, tagOf, vrOf } from '../../src/lib/dicom/index.ts'
import { type TestElement, ctImage, el, sq } from '../fixtures/dicom-writer.ts'
import { deidentify } from './deidentified.ts'
import { plantedValue, secretUid } from './planted-value.ts'

interface Expected {
  readonly action: 'remove' | 'empty' | 'dummy'
  /** Cleans or keeps it, as it does with its siblings in the table. */
  readonly option?: ProfileOption
  readonly keywords: string
}

const expected: readonly Expected[] = [
  {
    action: 'remove',
    keywords: `
      IssuerOfAccessionNumberSequence IssuerOfPatientIDQualifiersSequence OrderPlacerIdentifierSequence
      OrderFillerIdentifierSequence AssigningFacilitySequence AssigningJurisdictionCodeSequence
      AssigningAgencyOrDepartmentCodeSequence ResponsibleGroupCodeSequence OtherStudyNumbers
      RequestingServiceCodeSequence RouteOfAdmissions PatientBirthDateInAlternativeCalendar
      PatientDeathDateInAlternativeCalendar PatientAlternativeCalendar
      SourcePatientGroupIdentificationSequence GroupOfPatientsIdentificationSequence
      RequestingPhysicianIdentificationSequence PertinentDocumentsSequence PertinentResourcesSequence
      ResourceDescription PatientClinicalTrialParticipationSequence
      DocumentingOrganizationIdentifierCodeSequenceTrial DocumentIdentifierCodeSequenceTrial
      DocumentAuthorIdentifierCodeSequenceTrial IdentifierCodeSequenceTrial
      DocumentingObserverIdentifierCodeSequenceTrial ProcedureIdentifierCodeSequenceTrial
      ReferencedAccessionSequenceTrial FileSetAccessSequence FileAccessSequence
      InventoryAccessEndPointsSequence StudyAccessEndPointsSequence EquivalentCDADocumentSequence
      HL7StructuredDocumentReferenceSequence DICOMRetrievalSequence DICOMMediaRetrievalSequence
      WADORetrievalSequence XDSRetrievalSequence WADORSRetrievalSequence RecordKey PriorRecordKey
      BreedRegistrationNumber ComponentWelderIDs EvaluatorNumber EquipmentAdministratorSequence
      HangingProtocolCreator HangingProtocolUserGroupName ContactDisplayName
      AuthorizationEquipmentCertificationNumber OwnerID RouteSegmentID BoardingPassID
      RouteSegmentStartLocationID RouteSegmentEndLocationID AssignedLocation OOIOwnerSequence ItineraryID
      ItineraryIDAssigningAuthority RouteID RouteIDAssigningAuthority CarrierID ProductLotIdentifier
      ImageID AssessmentSetID ConfidentialityCode StorageMediaFileSetID HPGLDocument VariablePixelData
      VariableCoefficientsSDVN VariableCoefficientsSDHN VariableCoefficientsSDDN CoefficientsSDVN
      CoefficientsSDHN CoefficientsSDDN NTPSourceAddress PrivateDataElementCharacteristicsSequence
      Signature EncryptedAttributesSequence EncryptedContentTransferSyntaxUID EncryptedContent
      MACParametersSequence PatientIdentityRemoved DeidentificationMethod
      DeidentificationMethodCodeSequence LongitudinalTemporalInformationModified`,
  },
  {
    action: 'remove',
    option: 'retainPatientCharacteristics',
    keywords: `
      PatientSizeCodeSequence PatientBodyMassIndex EthnicGroupCodeSequence`,
  },
  {
    action: 'empty',
    keywords: `
      HangingProtocolUserIdentificationCodeSequence`,
  },
  {
    action: 'remove',
    option: 'retainDeviceIdentity',
    keywords: `
      DeviceID GridID SecondaryCaptureDeviceID RespiratorySignalSourceID SubstanceAdministrationDeviceID
      PrinterName`,
  },
  {
    action: 'empty',
    option: 'retainDeviceIdentity',
    keywords: `
      RadiationMachineName`,
  },
  {
    action: 'remove',
    option: 'cleanDescriptors',
    keywords: `
      AcquisitionProtocolName FrameOfInterestDescription SystemStatusComment TestResultComment
      PerformedProcedureTypeDescription CompletionFlagDescription SubstanceAdministrationNotes
      GraphicLayerDescription WorklistLabel ProcedureStepLabel FilmSessionLabel RTImageName DoseComment
      FrameOfReferenceTransformationComment`,
  },
  {
    action: 'empty',
    option: 'cleanDescriptors',
    keywords: `
      ContentDescription DocumentTitle`,
  },
  {
    action: 'dummy',
    option: 'cleanDescriptors',
    keywords: `
      RTImageLabel`,
  },
  {
    action: 'dummy',
    keywords: `
      SelectorUCValue`,
  },
  {
    action: 'dummy',
    option: 'cleanStructuredContent',
    keywords: `
      TextValue`,
  },
  {
    action: 'dummy',
    option: 'cleanGraphics',
    keywords: `
      UnformattedTextValue GraphicGroupLabel`,
  },
]

function decideWith(...options: ProfileOption[]): ReturnType<ReturnType<typeof decideByTable>> {
  return decideByTable({ options: new Set(options), honourPrivateDataInformation: false })(
    undefined,
  )
}

function tagsOf(keywords: string): number[] {
  return keywords
    .trim()
    .split(/\s+/)
    .map((keyword) => {
      const tag = tagOf(keyword)
      if (tag === undefined) throw new Error(`no attribute is called ${keyword}`)
      return tag
    })
}

t.test(
  'each attribute has the action that is said here, and no option but its own changes it',
  (t) => {
    const every = tableOptions.filter((one) => !one.startsWith('retainLong'))
    for (const { action, option, keywords } of expected) {
      for (const tag of tagsOf(keywords)) {
        t.equal(decideWith()(tag, undefined).action, action, formatTag(tag))
        const others = every.filter((one) => one !== option)
        t.equal(decideWith(...others)(tag, undefined).action, action, formatTag(tag))
        if (option === undefined) continue
        const decision = decideWith(option)(tag, undefined)
        t.equal(decision.action, option.startsWith('retain') ? 'keep' : 'clean', formatTag(tag))
        t.equal(decision.otherwise, action, formatTag(tag))
      }
    }
    t.end()
  },
)

const kept = 0x00082218 // AnatomicRegionSequence
const secret = 'Zwartkops'
/** They are written anew. */
const saidAnew = new Set(
  tagsOf(
    'PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence LongitudinalTemporalInformationModified',
  ),
)
const places: Readonly<Record<string, (elements: TestElement[]) => TestElement[]>> = {
  'at the top': (elements) => elements,
  'two sequences deep': (elements) => [sq(kept, [[sq(kept, [elements])]])],
}
for (const [place, nest] of Object.entries(places)) {
  t.test(`nothing of them goes out, ${place}`, async (t) => {
    const rows = expected.flatMap(({ action, keywords }) =>
      tagsOf(keywords).map((tag) => ({ tag, action })),
    )
    const planted = rows
      .filter(({ tag }) => !saidAnew.has(tag))
      .map(({ tag }) => plantedValue(tag, vrOf(tag) ?? 'UN', secret))
    const { record, files } = await deidentify([ctImage({ elements: nest(planted) })])
    t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
    const bytes = readFileSync(files[0] ?? '')
    t.notOk(bytes.toString('latin1').toLowerCase().includes(secret.toLowerCase()))
    t.notOk(bytes.includes(secretUid))
    using file = DicomFile.fromBuffer(bytes)
    const inner = file.dataSet.get(kept)?.items?.[0]?.get(kept)?.items?.[0]
    const dataSet = place === 'at the top' ? file.dataSet : inner
    for (const { tag, action } of rows.filter(({ tag }) => !saidAnew.has(tag))) {
      const element = dataSet?.get(tag)
      if (action === 'remove') t.equal(element, undefined, formatTag(tag))
      else t.equal((element?.length ?? -1) > 0, action === 'dummy', formatTag(tag))
    }
  })
}

t.test(
  'a reference to a document elsewhere goes whole, what describes it inside of it, too',
  async (t) => {
    const elements = [
      sq(0x0040a390, [
        [
          el(0x00081150, 'UI', '1.2.840.10008.5.1.4.1.1.104.2'),
          el(0x00081155, 'UI', secretUid),
          el(0x0040e001, 'ST', `2.16.840.1.113883.19^${secret}`),
          el(0x0040e010, 'UR', `http://documents.example/${secret}`),
        ],
      ]),
      // Of an encapsulated document: it must not be empty.
      el(0x0040e001, 'ST', `2.16.840.1.113883.19^${secret}`),
      el(0x0040e010, 'UR', `http://documents.example/${secret}`),
      el(0x00081190, 'UR', `http://pacs.example/${secret}`),
    ]
    const { files } = await deidentify([ctImage({ elements })])
    using file = DicomFile.open(files[0] ?? '')
    for (const tag of [0x0040a390, 0x0040e010, 0x00081190])
      t.equal(file.dataSet.get(tag), undefined)
    t.equal(file.string(file.dataSet, 0x0040e001), 'ANONYMIZED')
  },
)

const readable = new Set('LO SH UC LT ST UT UR UI PN AE OB UN'.split(' '))
t.test('of all that can hold words, bytes or UIDs only what is listed is kept', (t) => {
  const decide = decideWith()
  const found = [...knownKeywords()].filter((keyword) => {
    const tag = tagOf(keyword)
    if (tag === undefined || !readable.has(vrOf(tag) ?? '')) return false
    return decide(tag, undefined).action === 'keep'
  })
  const listed = readFileSync(new URL('kept-by-the-table.txt', import.meta.url), 'utf8')
  const lines = listed.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  t.same(found, lines)
  t.end()
})
