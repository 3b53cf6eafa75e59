/**
 * Table E.1-1 speaks of the attributes that were known to identify when it was last revised; all
 * others it keeps. These identify too, or point at what does, or would be wrong once their
 * neighbours are gone. Free text (LT, ST, UT) outside of the table is replaced by a dummy unless it
 * is in `machineWritten`, and PN, AE, AS, DA, DT, TM and UR outside of it are removed (see
 * decide-by-table.ts). Where an option is named, it does with them what it does with their siblings in the table.
 */
export const beyondTheTable: readonly (readonly [
  tag: number,
  action: 'X' | 'Z' | 'D',
  option?:
    | 'cleanDescriptors'
    | 'cleanGraphics'
    | 'cleanStructuredContent'
    | 'retainDeviceIdentity'
    | 'retainPatientCharacteristics',
])[] = [
  // Issuers of identifiers: they name the institution.
  [0x00080051, 'X'], // IssuerOfAccessionNumberSequence
  [0x00100024, 'X'], // IssuerOfPatientIDQualifiersSequence
  [0x00400026, 'X'], // OrderPlacerIdentifierSequence
  [0x00400027, 'X'], // OrderFillerIdentifierSequence
  [0x00400036, 'X'], // AssigningFacilitySequence
  [0x00400039, 'X'], // AssigningJurisdictionCodeSequence
  [0x0040003a, 'X'], // AssigningAgencyOrDepartmentCodeSequence
  // Departments and what asked for the study, in codes and numbers where the table has the words.
  [0x00080220, 'X'], // ResponsibleGroupCodeSequence
  [0x00201070, 'X'], // OtherStudyNumbers
  [0x00321034, 'X'], // RequestingServiceCodeSequence
  [0x00380016, 'X'], // RouteOfAdmissions
  // The birth date once more, in words.
  [0x00100033, 'X'], // PatientBirthDateInAlternativeCalendar
  [0x00100034, 'X'], // PatientDeathDateInAlternativeCalendar
  [0x00100035, 'X'], // PatientAlternativeCalendar
  // Other patients, and characteristics whose siblings the table removes.
  [0x00100026, 'X'], // SourcePatientGroupIdentificationSequence
  [0x00100027, 'X'], // GroupOfPatientsIdentificationSequence
  [0x00101021, 'X', 'retainPatientCharacteristics'], // PatientSizeCodeSequence
  [0x00101022, 'X', 'retainPatientCharacteristics'], // PatientBodyMassIndex
  [0x00102161, 'X', 'retainPatientCharacteristics'], // EthnicGroupCodeSequence
  // Staff, documents and trials elsewhere.
  [0x00321031, 'X'], // RequestingPhysicianIdentificationSequence
  [0x00380100, 'X'], // PertinentDocumentsSequence
  [0x00380101, 'X'], // PertinentResourcesSequence
  [0x00380102, 'X'], // ResourceDescription
  [0x00380502, 'X'], // PatientClinicalTrialParticipationSequence
  [0x0040a028, 'X'], // DocumentingOrganizationIdentifierCodeSequenceTrial
  [0x0040a066, 'X'], // DocumentIdentifierCodeSequenceTrial
  [0x0040a068, 'X'], // DocumentAuthorIdentifierCodeSequenceTrial
  [0x0040a070, 'X'], // IdentifierCodeSequenceTrial
  [0x0040a076, 'X'], // DocumentingObserverIdentifierCodeSequenceTrial
  [0x0040a085, 'X'], // ProcedureIdentifierCodeSequenceTrial
  [0x0040a313, 'X'], // ReferencedAccessionSequenceTrial
  // Where a clinical system has a document or an object, and by what name: nothing of it can be followed from outside.
  [0x00080419, 'X'], // FileSetAccessSequence
  [0x0008041a, 'X'], // FileAccessSequence
  [0x00080420, 'X'], // InventoryAccessEndPointsSequence
  [0x00080421, 'X'], // StudyAccessEndPointsSequence
  [0x0040a090, 'X'], // EquivalentCDADocumentSequence
  [0x0040a390, 'X'], // HL7StructuredDocumentReferenceSequence
  [0x0040e021, 'X'], // DICOMRetrievalSequence
  [0x0040e022, 'X'], // DICOMMediaRetrievalSequence
  [0x0040e023, 'X'], // WADORetrievalSequence
  [0x0040e024, 'X'], // XDSRetrievalSequence
  [0x0040e025, 'X'], // WADORSRetrievalSequence
  // Persons, and what belongs to one, in LO, SH and OB.
  [0x0008041b, 'X'], // RecordKey
  [0x0008041c, 'X'], // PriorRecordKey
  [0x00102295, 'X'], // BreedRegistrationNumber
  [0x00140100, 'X'], // ComponentWelderIDs
  [0x00142004, 'X'], // EvaluatorNumber
  [0x00287000, 'X'], // EquipmentAdministratorSequence
  [0x00720008, 'X'], // HangingProtocolCreator
  [0x0072000e, 'Z'], // HangingProtocolUserIdentificationCodeSequence
  [0x00720010, 'X'], // HangingProtocolUserGroupName
  [0x0074100c, 'X'], // ContactDisplayName
  [0x01000426, 'X'], // AuthorizationEquipmentCertificationNumber
  [0x21000160, 'X'], // OwnerID
  // Of travellers: who, with what, whence and whither.
  [0x40101007, 'X'], // RouteSegmentID
  [0x4010101a, 'X'], // BoardingPassID
  [0x4010101e, 'X'], // RouteSegmentStartLocationID
  [0x4010101f, 'X'], // RouteSegmentEndLocationID
  [0x4010102a, 'X'], // AssignedLocation
  [0x40101047, 'X'], // OOIOwnerSequence
  [0x40101051, 'X'], // ItineraryID
  [0x40101053, 'X'], // ItineraryIDAssigningAuthority
  [0x40101054, 'X'], // RouteID
  [0x40101055, 'X'], // RouteIDAssigningAuthority
  [0x40101058, 'X'], // CarrierID
  // Devices, of which the table has others of the kind.
  [0x00181003, 'X', 'retainDeviceIdentity'], // DeviceID
  [0x00181006, 'X', 'retainDeviceIdentity'], // GridID
  [0x00181010, 'X', 'retainDeviceIdentity'], // SecondaryCaptureDeviceID
  [0x00189186, 'X', 'retainDeviceIdentity'], // RespiratorySignalSourceID
  [0x00440012, 'X', 'retainDeviceIdentity'], // SubstanceAdministrationDeviceID
  [0x21100030, 'X', 'retainDeviceIdentity'], // PrinterName
  [0x30020020, 'Z', 'retainDeviceIdentity'], // RadiationMachineName
  // Numbers of one image, one assessment, one lot.
  [0x0044000a, 'X'], // ProductLotIdentifier
  [0x00540400, 'X'], // ImageID
  [0x00820016, 'X'], // AssessmentSetID
  // Text typed by people into LO and SH.
  [0x00189423, 'X', 'cleanDescriptors'], // AcquisitionProtocolName
  [0x00286022, 'X', 'cleanDescriptors'], // FrameOfInterestDescription
  [0x00287007, 'X', 'cleanDescriptors'], // SystemStatusComment
  [0x0028702a, 'X', 'cleanDescriptors'], // TestResultComment
  [0x00400255, 'X', 'cleanDescriptors'], // PerformedProcedureTypeDescription
  [0x00401008, 'X'], // ConfidentialityCode
  [0x0040a492, 'X', 'cleanDescriptors'], // CompletionFlagDescription
  [0x00440011, 'X', 'cleanDescriptors'], // SubstanceAdministrationNotes
  [0x00700068, 'X', 'cleanDescriptors'], // GraphicLayerDescription
  [0x00700081, 'Z', 'cleanDescriptors'], // ContentDescription
  [0x00741202, 'X', 'cleanDescriptors'], // WorklistLabel
  [0x00741204, 'X', 'cleanDescriptors'], // ProcedureStepLabel
  [0x00880130, 'X'], // StorageMediaFileSetID
  [0x20000050, 'X', 'cleanDescriptors'], // FilmSessionLabel
  [0x30020002, 'D', 'cleanDescriptors'], // RTImageLabel
  [0x30020003, 'X', 'cleanDescriptors'], // RTImageName
  [0x30040006, 'X', 'cleanDescriptors'], // DoseComment
  [0x300600c8, 'X', 'cleanDescriptors'], // FrameOfReferenceTransformationComment
  [0x00420010, 'Z', 'cleanDescriptors'], // DocumentTitle
  [0x0072006f, 'D'], // SelectorUCValue
  // Text that people typed into reports and onto images.
  [0x0040a160, 'D', 'cleanStructuredContent'], // TextValue
  [0x00700006, 'D', 'cleanGraphics'], // UnformattedTextValue
  [0x00700207, 'D', 'cleanGraphics'], // GraphicGroupLabel
  // A drawing in a language of its own, with letters in it.
  [0x00686300, 'X'], // HPGLDocument
  // Retired pictures beside PixelData, at which nobody looks (PS3.6 6).
  [0x7f000010, 'X'], // VariablePixelData
  [0x7f000020, 'X'], // VariableCoefficientsSDVN
  [0x7f000030, 'X'], // VariableCoefficientsSDHN
  [0x7f000040, 'X'], // VariableCoefficientsSDDN
  [0x7fe00020, 'X'], // CoefficientsSDVN
  [0x7fe00030, 'X'], // CoefficientsSDHN
  [0x7fe00040, 'X'], // CoefficientsSDDN
  // A machine's address.
  [0x00181803, 'X'], // NTPSourceAddress
  // Declares which private blocks are safe; there are none left.
  [0x00080300, 'X'], // PrivateDataInformationSequence
  // Signatures and encrypted originals (PS3.15 E.1.1): a signature of what was is no longer one.
  [0x04000120, 'X'], // Signature
  [0x04000500, 'X'], // EncryptedAttributesSequence
  [0x04000510, 'X'], // EncryptedContentTransferSyntaxUID
  [0x04000520, 'X'], // EncryptedContent
  [0x4ffe0001, 'X'], // MACParametersSequence
  // What was done here is said anew.
  [0x00120062, 'X'], // PatientIdentityRemoved
  [0x00120063, 'X'], // DeidentificationMethod
  [0x00120064, 'X'], // DeidentificationMethodCodeSequence
  [0x00280303, 'X'], // LongitudinalTemporalInformationModified
]

/** LT, ST and UT that machines or vocabularies write. Kept, and searched like all that is kept. */
export const machineWritten: ReadonlySet<number> = new Set([
  0x00080108, // ExtendedCodeMeaning
  0x00080114, // CodingSchemeExternalID
  0x00080115, // CodingSchemeName
  0x00187006, // DetectorDescription
  0x00187008, // DetectorMode
  0x00187040, // GridAbsorbingMaterial
  0x00187041, // GridSpacingMaterial
  0x00187062, // ExposureControlModeDescription
  0x00189080, // MetaboliteMapDescription
  0x00189941, // ImageFilterDescription
  0x00281351, // PartialViewDescription
  0x00286190, // MaskOperationExplanation
  0x00480107, // OpticalPathDescription
  0x00620006, // SegmentDescription
  0x00620020, // TrackingID
  0x00660032, // AlgorithmParameters
  0x00686345, // HPGLPenDescription
  0x20100010, // ImageDisplayFormat
  0x300a007b, // FractionPattern
  0x3010000c, // ConceptualVolumeCombinationExpression
  0x3010001d, // DeviceAlternateIdentifierFormat
  0x30100086, // IntendedStartDayOfWeek
])
