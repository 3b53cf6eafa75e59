import fc from 'fast-check'
import t from 'tap'
import {
  CommandField,
  type CommandSet,
  Status,
  decodeCommandSet,
  echoRequest,
  encodeCommandSet,
  formatStatus,
  hasDataSet,
  isResponse,
  responseTo,
  statusMeaning,
  storeRequest,
} from '../../src/lib/dimse/index.ts'

const short = fc.nat(0xffff)
const text = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9 ]{0,12}[A-Za-z0-9])?$/)
const uid = fc.stringMatching(/^[1-9](\.[1-9][0-9]{0,5}){0,5}$/)
const tags = fc.array(fc.nat(0xffffffff), { minLength: 1, maxLength: 5 })
const commandSet = fc.record(
  {
    AffectedSOPClassUID: uid,
    RequestedSOPClassUID: uid,
    CommandField: short,
    MessageID: short,
    MessageIDBeingRespondedTo: short,
    MoveDestination: text,
    Priority: short,
    CommandDataSetType: short,
    Status: short,
    OffendingElement: tags,
    ErrorComment: text,
    ErrorID: short,
    AffectedSOPInstanceUID: uid,
    RequestedSOPInstanceUID: uid,
    EventTypeID: short,
    AttributeIdentifierList: tags,
    ActionTypeID: short,
    NumberOfRemainingSuboperations: short,
    NumberOfCompletedSuboperations: short,
    NumberOfFailedSuboperations: short,
    NumberOfWarningSuboperations: short,
    MoveOriginatorApplicationEntityTitle: text,
    MoveOriginatorMessageID: short,
  },
  { requiredKeys: ['CommandField', 'CommandDataSetType'] },
) as fc.Arbitrary<CommandSet>

t.test('what is written is read again as it was', (t) => {
  fc.assert(
    fc.property(commandSet, (command) => {
      t.same(decodeCommandSet(encodeCommandSet(command)), command)
    }),
  )
  t.end()
})

t.test('a C-ECHO-RQ has the bytes of PS3.7 9.3.5.1', (t) => {
  t.equal(
    encodeCommandSet(echoRequest(7)).toString('hex'),
    '00000000' +
      '04000000' +
      '38000000' +
      '00000200' +
      '12000000' +
      Buffer.from('1.2.840.10008.1.1\0').toString('hex') +
      '00000001' +
      '02000000' +
      '3000' +
      '00001001' +
      '02000000' +
      '0700' +
      '00000008' +
      '02000000' +
      '0101',
  )
  t.end()
})

t.test('a response names its request, and keeps to the length of a comment', (t) => {
  const request = storeRequest({ MessageID: 9, SOPClassUID: '1.2', SOPInstanceUID: '1.2.3' })
  t.ok(hasDataSet(request))
  t.notOk(isResponse(request))
  const response = responseTo(request, {
    status: Status.outOfResources,
    comment: `disk full\n${'x'.repeat(100)}`,
  })
  t.ok(isResponse(response))
  t.notOk(hasDataSet(response))
  t.same(response, {
    AffectedSOPClassUID: '1.2',
    CommandField: CommandField.CStoreResponse,
    MessageIDBeingRespondedTo: 9,
    CommandDataSetType: 0x0101,
    Status: 0xa700,
    ErrorComment: `disk full?${'x'.repeat(54)}`,
    AffectedSOPInstanceUID: '1.2.3',
  })
  t.end()
})

t.test('a command set that is no command set is a matter for A-ABORT', (t) => {
  const cases: [string, string][] = [
    ['empty', ''],
    ['within a header', '0000000104'],
    ['longer than its set', '00000001ffffffff01'],
    ['no data set type', '00000001020000000100'],
    ['a Command Field of the wrong length', '0000000104000000010000000000000802000000' + '0101'],
  ]
  for (const [what, hex] of cases) {
    t.throws(() => decodeCommandSet(Buffer.from(hex, 'hex')), { code: 'E_DICOM_PROTOCOL' }, what)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
      try {
        decodeCommandSet(Buffer.from(array))
      } catch (error) {
        t.match(error, { code: 'E_DICOM_PROTOCOL' })
      }
    }),
  )
  t.end()
})

t.test('statuses say what to do with them', (t) => {
  t.match(statusMeaning(0), { kind: 'success' })
  t.match(statusMeaning(0xb000), { kind: 'warning' })
  t.match(statusMeaning(0xb123), { kind: 'warning' })
  t.match(statusMeaning(0xa7fe), { kind: 'failure', retryable: true })
  t.match(statusMeaning(0xa900), { kind: 'failure', retryable: false })
  t.match(statusMeaning(0xc123), { kind: 'failure', retryable: false })
  t.match(statusMeaning(0x4711), { kind: 'failure', retryable: false }, 'unknown is no success')
  t.equal(formatStatus(0xa700), '0xA700 (out of resources)')
  t.end()
})
