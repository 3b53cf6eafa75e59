/** A field as a data dictionary declares it. */
export interface DictionaryField {
  readonly name: string
  readonly type:
    'checkbox' | 'descriptive' | 'dropdown' | 'file' | 'notes' | 'radio' | 'text' | 'yesno'
  readonly label: string
  /** `1, One | 2, Two` */
  readonly choices?: string
  /** REDCap's name of what a text may hold. */
  readonly validation?: 'date_ymd' | 'datetime_ymd' | 'integer'
  /** Marked as an identifier: exports without identifiers leave it out. */
  readonly identifier?: boolean
  /** FIONA cannot do without it. */
  readonly needed?: boolean
}

export interface DictionaryForm {
  readonly name: string
  readonly repeating?: boolean
  readonly fields: readonly DictionaryField[]
}

/** One REDCap project that FIONA reads or writes. The first field of the first form names its records. */
export interface Dictionary {
  /** As messages call it. */
  readonly name: string
  readonly longitudinal?: boolean
  readonly forms: readonly DictionaryForm[]
}

const text = (
  name: string,
  label: string,
  more: Partial<DictionaryField> = {},
): DictionaryField => ({
  name,
  type: 'text',
  label,
  ...more,
})
const needed = { needed: true } as const
const identifier = { identifier: true } as const

/** What arrived, and what is wanted of it. Records are named by the StudyInstanceUID. */
export const incoming = {
  name: 'Incoming',
  forms: [
    {
      name: 'incoming_studies',
      fields: [
        text('study_instance_uid', 'StudyInstanceUID', { ...needed, ...identifier }),
        text('study_institution_name', 'InstitutionName', needed),
        text('study_aetitle_sender', 'AE title of the sender', needed),
        text('study_aetitle_addressed', 'AE title that was called', needed),
        text('study_patient_name', 'Hash of PatientName', needed),
        text('study_patient_id', 'Hash of PatientID', needed),
        text('study_description', 'StudyDescription', needed),
        text('study_date', 'StudyDate', { ...needed, ...identifier }),
        text('study_time', 'StudyTime', needed),
        text('study_accession_number', 'AccessionNumber', { ...needed, ...identifier }),
        text('study_arrival_date', 'Arrival', { ...needed, validation: 'datetime_ymd' }),
      ],
    },
    {
      name: 'series',
      repeating: true,
      fields: [
        text('series_instance_uid', 'SeriesInstanceUID', { ...needed, ...identifier }),
        text('series_description', 'SeriesDescription', needed),
        text('series_date', 'SeriesDate', { ...needed, ...identifier }),
        text('series_time', 'SeriesTime', needed),
        text('series_num_files', 'Number of objects', { ...needed, validation: 'integer' }),
        text('series_sequence_name', 'SequenceName', needed),
        { name: 'series_classify_types', type: 'notes', label: 'ClassifyType (JSON)', ...needed },
      ],
    },
    {
      name: 'transfers',
      repeating: true,
      fields: [
        text('transfer_requested_date', 'Asked for', { ...needed, validation: 'datetime_ymd' }),
        text('transfer_project_name', 'Research project', needed),
        text('transfer_name', 'Participant', needed),
        text('transfer_event_name', 'Event', needed),
        text('transfer_date', 'Done (by FIONA)', { ...needed, validation: 'datetime_ymd' }),
        {
          name: 'transfer_error',
          type: 'checkbox',
          label: 'What happened (by FIONA)',
          choices: '1, Anonymisation failed | 2, Sending failed | 3, Pixels were masked',
          ...needed,
        },
        text('transfer_mapped_uid', 'New StudyInstanceUID (by FIONA)', needed),
        { name: 'transfer_error_message', type: 'notes', label: 'Trouble (by FIONA)', ...needed },
        text('transfer_active_proc_time', 'Seconds (by FIONA)', needed),
      ],
    },
  ],
} as const satisfies Dictionary

export const dataTransferProjects = {
  name: 'DataTransferProjects',
  forms: [
    {
      name: 'projects',
      fields: [
        text('record_id', 'Name of the project', needed),
        { name: 'leave_alone_notes', type: 'notes', label: 'Notes' },
        { name: 'leave_alone_current_rek', type: 'file', label: 'Approval' },
        text('project_name', 'Full name'),
        {
          name: 'project_type',
          type: 'radio',
          label: 'Kind',
          choices: '0, REK | 1, no REK, non-human | 2, QC or operational | 3, Public data',
        },
        text('project_contact', 'Contact'),
        text('project_contact_email', 'E-mail of the contact'),
        text('project_patient_naming', 'Pattern of participants (regular expression)', needed),
        text('project_rec_number', 'REK number'),
        text('project_rec_start_date', 'First day', { ...needed, validation: 'date_ymd' }),
        text('project_rec_end_date', 'Last day', { ...needed, validation: 'date_ymd' }),
        {
          name: 'project_end_type',
          type: 'radio',
          label: 'At the end',
          choices: '1, Full anonymisation | 2, Delete',
        },
        text('project_token', "API token of the project's own REDCap"),
        { name: 'project_active', type: 'yesno', label: 'Active', ...needed },
        text('project_import_rule_1_tag', 'Import rule: tag'),
        text('project_import_rule_1_regexp', 'Import rule: regular expression'),
        { name: 'project_use_autoid', type: 'yesno', label: 'Pseudonyms are made (AutoID)' },
        text('project_autoid_aetitle', 'AE title that asks for AutoID'),
        {
          name: 'project_features',
          type: 'checkbox',
          label: 'Features',
          choices: '0, No presentation states | 1, Never mask pixels | 2, No secondary captures',
        },
      ],
    },
    {
      name: 'rewritepixelexclusions',
      repeating: true,
      fields: [
        {
          name: 'rewrite_ex_tag',
          type: 'dropdown',
          label: 'Attribute',
          choices: '1, 0x0020:0x4000 Image Comments | 2, 0x0008:0x103E Series Description',
        },
        text('rewrite_ex_reg', 'Regular expression'),
      ],
    },
  ],
} as const satisfies Dictionary

export const routing = {
  name: 'Routing',
  forms: [
    {
      name: 'routing',
      fields: [
        text('record_id', 'Record', needed),
        { name: 'routing_active', type: 'yesno', label: 'Active', ...needed },
        {
          name: 'routing_dest_project',
          type: 'dropdown',
          label: 'Research project',
          choices: '1, EXAMPLE',
          ...needed,
        },
        text('routing_incoming_aetitle', 'AE title that was called', needed),
        text('routing_sending_aetitle', 'AE title of the sender', needed),
        text('routing_allowed_patientid', 'PatientID (regular expression)', needed),
        text('routing_allowed_patientname', 'PatientName (regular expression)', needed),
        text('routing_event_name', 'Event', needed),
      ],
    },
  ],
} as const satisfies Dictionary

export const couplingList = {
  name: 'CouplingList',
  forms: [
    {
      name: 'coupling',
      fields: [
        text('record_id', 'Record', needed),
        text('cl_accessionnumber', 'AccessionNumber', { ...needed, ...identifier }),
        text('cl_studyinstanceuid', 'StudyInstanceUID', identifier),
        text('cl_projectname', 'Research project', needed),
        text('cl_subjectid', 'Participant', needed),
        text('cl_eventname', 'Event', needed),
        text('cl_date', 'Since', { ...needed, validation: 'date_ymd' }),
      ],
    },
  ],
} as const satisfies Dictionary

/** Which name AutoID gave to which patient. Who removes it has decoupled them. */
export const autoId = {
  name: 'AutoID',
  forms: [
    {
      name: 'autoid',
      fields: [
        text('record_id', 'Record', needed),
        text('autoid_project_name', 'Research project', needed),
        text('autoid_hash', 'Patient (SHA-512 of what Incoming calls the patient)', needed),
        text('autoid_value', 'Participant', needed),
        {
          name: 'autoid_method',
          type: 'radio',
          label: 'How it was made',
          choices: '1, Random, from the pattern',
          ...needed,
        },
      ],
    },
  ],
} as const satisfies Dictionary

/** What a research project itself keeps in REDCap: no identity of the clinic. */
export const ownProject = {
  name: 'Project',
  longitudinal: true,
  forms: [
    {
      name: 'participant',
      fields: [
        text('record_id', 'Participant', needed),
        text('first_name', 'Participant', needed),
        text('last_name', 'Participant', needed),
      ],
    },
    {
      name: 'imaging',
      repeating: true,
      fields: [
        text('img_study_instance_uid', 'StudyInstanceUID (new)', needed),
        text('img_event_name', 'Event', needed),
        text('img_study_date', 'StudyDate (shifted)'),
        text('img_study_description', 'StudyDescription (cleaned)'),
        text('img_incoming_accession_number', 'AccessionNumber (new)'),
      ],
    },
  ],
} as const satisfies Dictionary

export const dictionaries: Readonly<Record<string, Dictionary>> = {
  Incoming: incoming,
  DataTransferProjects: dataTransferProjects,
  Routing: routing,
  CouplingList: couplingList,
  AutoID: autoId,
  Project: ownProject,
}

/** Names as an export has them and an import takes them: a checkbox is a field for each choice. */
export function exportNames({ name, type, choices }: DictionaryField): string[] {
  if (type !== 'checkbox') return [name]
  return choiceList(choices ?? '').map(([code]) => `${name}___${code}`)
}

/** `1, One | 2, Two` → codes and labels. A label may hold commas. */
export function choiceList(choices: string): [code: string, label: string][] {
  return choices
    .split('|')
    .map((choice): [string, string] => {
      const at = choice.indexOf(',')
      const [code, label] =
        at === -1 ? [choice, choice] : [choice.slice(0, at), choice.slice(at + 1)]
      return [code.trim(), label.trim()]
    })
    .filter(([code]) => code !== '')
}

const columns = [
  'Variable / Field Name',
  'Form Name',
  'Section Header',
  'Field Type',
  'Field Label',
  'Choices, Calculations, OR Slider Labels',
  'Field Note',
  'Text Validation Type OR Show Slider Number',
  'Text Validation Min',
  'Text Validation Max',
  'Identifier?',
  'Branching Logic (Show field only if...)',
  'Required Field?',
  'Custom Alignment',
  'Question Number (surveys only)',
  'Matrix Group Name',
  'Matrix Ranking?',
  'Field Annotation',
] as const

/** The CSV that REDCap takes as a data dictionary. */
export function dictionaryCsv({ forms }: Dictionary): string {
  const rows = forms.flatMap((form) =>
    form.fields.map((field: DictionaryField) => {
      const values: Partial<Record<(typeof columns)[number], string>> = {
        'Variable / Field Name': field.name,
        'Form Name': form.name,
        'Field Type': field.type,
        'Field Label': field.label,
        'Choices, Calculations, OR Slider Labels': field.choices ?? '',
        'Text Validation Type OR Show Slider Number': field.validation ?? '',
        'Identifier?': field.identifier === true ? 'y' : '',
      }
      return columns.map((column) => values[column] ?? '')
    }),
  )
  return [[...columns], ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('')
}

function quoted(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
