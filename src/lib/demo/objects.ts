// Objects as scanners and workstations make them: an image, a report, a presentation state.
import type { Attributes } from './attributes.ts'

/** What makes an object the object it is; patient, study and series come from elsewhere. */
export interface ObjectAttributes extends Attributes {
  readonly SOPClassUID: string
}

export interface Reference {
  readonly ReferencedSOPClassUID: string
  readonly ReferencedSOPInstanceUID: string
}

export const SopClass = {
  CTImage: '1.2.840.10008.5.1.4.1.1.2',
  MRImage: '1.2.840.10008.5.1.4.1.1.4',
  SecondaryCapture: '1.2.840.10008.5.1.4.1.1.7',
  BasicTextSR: '1.2.840.10008.5.1.4.1.1.88.11',
  GrayscaleSoftcopyPresentationState: '1.2.840.10008.5.1.4.1.1.11.1',
} as const

const size = 96

/** A CT or MR slice (PS3.3 A.3, A.4): a bright disc in a dark one, smaller from slice to slice. */
export function slice(
  modality: 'CT' | 'MR',
  frameOfReference: string,
  number: number,
): ObjectAttributes {
  const common = {
    SOPClassUID: modality === 'CT' ? SopClass.CTImage : SopClass.MRImage,
    ImageType: ['ORIGINAL', 'PRIMARY', modality === 'CT' ? 'AXIAL' : 'M'],
    FrameOfReferenceUID: frameOfReference,
    PositionReferenceIndicator: '',
    ImagePositionPatient: [-120, -120, number * 5],
    ImageOrientationPatient: [1, 0, 0, 0, 1, 0],
    PixelSpacing: [2.5, 2.5],
    SliceThickness: 5,
    PatientPosition: 'HFS',
    ...pixels(16, (x, y) => disc(x, y, 40) * 700 + disc(x, y, 30 - number * 4) * 1300),
  }
  if (modality === 'CT') {
    return {
      ...common,
      KVP: 120,
      AcquisitionNumber: 1,
      RescaleIntercept: -1024,
      RescaleSlope: 1,
      RescaleType: 'HU',
    }
  }
  return {
    ...common,
    ScanningSequence: 'SE',
    SequenceVariant: 'NONE',
    ScanOptions: '',
    MRAcquisitionType: '2D',
    EchoTime: 90,
    RepetitionTime: 4000,
    EchoTrainLength: 12,
  }
}

/** A screen shot (PS3.3 A.8) that says of itself that there is text in its pixels. */
export function screenShot(): ObjectAttributes {
  return {
    SOPClassUID: SopClass.SecondaryCapture,
    ImageType: ['DERIVED', 'SECONDARY'],
    ConversionType: 'WSD',
    PatientOrientation: '',
    BurnedInAnnotation: 'YES',
    ...pixels(8, (x, y) => (y < 12 && (x * 7 + y * 5) % 11 < 4 ? 255 : disc(x, y, 36) * 90)),
  }
}

/** A report in free text (PS3.3 A.35.1) in which somebody wrote the patient's name. */
export function report(patientName: string): ObjectAttributes {
  const [alphabetic = ''] = patientName.split('=')
  const concept = (CodeValue: string, CodeMeaning: string): Attributes => ({
    CodeValue,
    CodingSchemeDesignator: 'DCM',
    CodeMeaning,
  })
  return {
    SOPClassUID: SopClass.BasicTextSR,
    ReferencedPerformedProcedureStepSequence: [],
    PerformedProcedureCodeSequence: [],
    ValueType: 'CONTAINER',
    ContinuityOfContent: 'SEPARATE',
    CompletionFlag: 'COMPLETE',
    VerificationFlag: 'UNVERIFIED',
    ConceptNameCodeSequence: [concept('121070', 'Findings')],
    ContentSequence: [
      {
        RelationshipType: 'CONTAINS',
        ValueType: 'TEXT',
        ConceptNameCodeSequence: [concept('121071', 'Finding')],
        TextValue: `${alphabetic.replace('^', ', ')}: two round structures, nothing else.`,
      },
      {
        RelationshipType: 'CONTAINS',
        ValueType: 'PNAME',
        ConceptNameCodeSequence: [concept('121008', 'Person Observer Name')],
        PersonName: patientName,
      },
    ],
  }
}

/** How to show an image (PS3.3 A.33.1), with a name written across it. */
export function presentationState(
  series: string,
  image: Reference,
  patientName: string,
): ObjectAttributes {
  const [alphabetic = ''] = patientName.split('=')
  return {
    SOPClassUID: SopClass.GrayscaleSoftcopyPresentationState,
    PresentationCreationDate: '20260402',
    PresentationCreationTime: '101500',
    ContentLabel: 'DEMO',
    ContentDescription: '',
    ContentCreatorName: '',
    ReferencedSeriesSequence: [
      { SeriesInstanceUID: series, ReferencedImageSequence: [{ ...image }] },
    ],
    DisplayedAreaSelectionSequence: [
      {
        ReferencedImageSequence: [{ ...image }],
        PixelOriginInterpretation: 'FRAME',
        DisplayedAreaTopLeftHandCorner: [1, 1],
        DisplayedAreaBottomRightHandCorner: [size, size],
        PresentationSizeMode: 'SCALE TO FIT',
        PresentationPixelSpacing: [2.5, 2.5],
      },
    ],
    GraphicLayerSequence: [{ GraphicLayer: 'NOTES', GraphicLayerOrder: 1 }],
    GraphicAnnotationSequence: [
      {
        ReferencedImageSequence: [{ ...image }],
        GraphicLayer: 'NOTES',
        TextObjectSequence: [
          {
            AnchorPointAnnotationUnits: 'PIXEL',
            UnformattedTextValue: alphabetic,
            AnchorPoint: [10, 10],
            AnchorPointVisibility: 'N',
          },
        ],
      },
    ],
    PresentationLUTShape: 'IDENTITY',
  }
}

function disc(x: number, y: number, radius: number): number {
  return (x - size / 2) ** 2 + (y - size / 2) ** 2 < radius ** 2 ? 1 : 0
}

function pixels(bits: 8 | 16, at: (x: number, y: number) => number): Attributes {
  const values = Array.from({ length: size * size }, (_, index) =>
    at(index % size, Math.floor(index / size)),
  )
  return {
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    Rows: size,
    Columns: size,
    BitsAllocated: bits,
    BitsStored: bits === 8 ? 8 : 12,
    HighBit: bits === 8 ? 7 : 11,
    PixelRepresentation: 0,
    PixelData: bits === 8 ? Buffer.from(values) : Buffer.from(Uint16Array.from(values).buffer),
  }
}
