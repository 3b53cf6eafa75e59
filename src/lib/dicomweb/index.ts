/**
 * DICOMweb (PS3.18) as a client: one place that knows how to reach a service (certificates, secrets, kept
 * connections, limits for what it may answer), and what its answers mean. Bodies go out as they are read
 * from files; whatever comes back is bounded in bytes and in time.
 */
export {
  type WebAnswer,
  type WebBody,
  type WebRequest,
  type WebService,
  WebClient,
} from './web-client.ts'
export { statusTrouble } from './status-trouble.ts'
export { type FileDelivered, MultipartFiles } from './multipart-files.ts'
export { type StoreAnswers, type StoredHow, readStoreAnswer } from './store-answer.ts'
export { type JsonDataSet, readDataSets, textOf } from './read-data-sets.ts'
