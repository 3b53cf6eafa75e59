/** Why a key of the original's config.json has no place in fiona.yaml, and what to do instead. */
export interface LeftBehind {
  readonly why: string
  readonly instead: string
}

const fetching: LeftBehind = {
  why: 'FIONA fetches nothing from a scanner',
  instead:
    'let the scanner send; where it asks for storage commitment, name it in receiver.peers: { AETITLE: { host: H, port: N } }',
}
const packages: LeftBehind = {
  why: 'series are packed and sent by SFTP when they are de-identified, to where a destination says',
  instead:
    'destinations: { NAME: { url: sftp://USER@HOST/FOLDER, packages: tgz } }, and projects.NAME.destinations; docs/delivery.md',
}
const token: LeftBehind = {
  why: 'a secret does not belong into fiona.yaml',
  instead:
    "put the token into a file of mode 0600 and name it: requests: [{ redcap: { url: 'https://…/api/', tokenFile: F } }]; docs/redcap.md tells of which project it must be",
}
const recordField: LeftBehind = {
  why: "the first field of a research project's REDCap, by which FIONA knows a participant, is record_id",
  instead: 'where yours has another name, fiona-redcap check says so; docs/redcap.md',
}
const proxy: LeftBehind = {
  why: 'nothing in FIONA goes through a web proxy',
  instead: 'its destinations must be reachable from this machine',
}
const webAccounts: LeftBehind = {
  why: 'there is no web interface to log in to',
  instead: 'who may operate FIONA, accounts of this machine decide; docs/installing.md',
}

/** Keys of the whole; those of a project in SITES mean the same there. */
export const keysLeftBehind: Readonly<Record<string, LeftBehind>> = {
  DICOMIP: {
    why: 'FIONA listens at every address of this machine',
    instead: 'a firewall decides where from, and receiver.allow who may come in',
  },
  SCANNERIP: fetching,
  SCANNERPORT: fetching,
  SCANNERAETITLE: fetching,
  SCANNERTYPE: fetching,
  OTHERSCANNER: {
    why: 'shares of scanners with k-space data are not mounted',
    instead: 'DICOM files may be put into an inbox: inboxes: [{ folder: F }]',
  },
  MPPSMODE: {
    why: 'modalities can report wherever mpps is configured',
    instead:
      'leave mpps out to close that door; the second character of the file enabled does it, too',
  },
  SERVERUSER: packages,
  DAICSERVER: packages,
  PFILEDIR: packages,
  CONNECTION: token,
  PROJECTTOKEN: token,
  SUBJECTID: recordField,
  WEBPROXY: proxy,
  WEBPROXYPORT: proxy,
  LOCALTIMEZONE: {
    why: 'records tell times in UTC, tables for people in the time zone of this machine',
    instead: 'timedatectl set-timezone sets that',
  },
  HIDEPATTERN: {
    why: 'there is no list on the web to hide participants in',
    instead: "a project of their own keeps them apart: projects.HIDDEN.match: { PatientID: '…' }",
  },
  PROCESSING_USER: webAccounts,
  Authentication: webAccounts,
  LOGDIR: {
    why: 'logs go to stderr, and under systemd to its journal',
    instead: 'journalctl -u "fiona*" reads them; fiona-ctl start writes <dataDir>/log',
  },
}

/** What a person who never heard of a key can be told. */
export const unknownKey: LeftBehind = {
  why: 'no FIONA is known to read it',
  instead: 'look up who wrote it there, and what for',
}
