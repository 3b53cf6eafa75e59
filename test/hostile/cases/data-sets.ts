/** Data sets that cannot be read, and identities that would be something else if they were believed. */
import { deflateRawSync } from 'node:zlib'
import {
  associateRq,
  bytesOf,
  proposed,
  releaseRq,
  storeCommand,
  uid,
} from '../../fixtures/odd-client.ts'
import { ctElements, dataSetBytes, el, encapsulated, raw, sq } from '../../fixtures/dicom-writer.ts'
import {
  type Case,
  type Expectation,
  be32,
  command,
  data,
  hex,
  inside,
  noBytes,
  object,
  plain,
  store,
} from './case.ts'

/** Implicit VR sequences inside each other, each of undefined length and without an end. */
function nested(levels: number): Buffer {
  const level = hex('08001511 ffffffff feff00e0 ffffffff')
  return Buffer.concat(Array.from({ length: levels }, () => level))
}

/** The same, closed as it should be, in explicit VR. */
function nestedWhole(levels: number): Buffer {
  const open = hex('08001511 5351 0000 ffffffff feff00e0 ffffffff')
  const close = hex('feff0de0 00000000 feffdde0 00000000')
  return Buffer.concat([
    ...Array.from({ length: levels }, () => open),
    ...Array.from({ length: levels }, () => close),
  ])
}

export function dataSets(): Case[] {
  const stored = (
    name: string,
    expect: Expectation,
    dataSet: Buffer,
    instance = object.SOPInstanceUID,
  ): Case =>
    inside(
      name,
      expect,
      command(storeCommand({ SOPInstanceUID: instance })),
      data(dataSet),
      releaseRq,
    )
  const elements = ctElements({ sopUID: object.SOPInstanceUID, studyUID: '2.25.55' })
  const withElement = (one: Parameters<typeof dataSetBytes>[0][number]): Buffer =>
    dataSetBytes([...elements.filter(({ tag }) => tag !== one.tag), one])
  const cases = [
    stored('an empty data set', 0xa900, noBytes),
    stored('noise as a data set', 0xc000, Buffer.alloc(5000, 0xa5)),
    stored('zeros as a data set', 0xa900, Buffer.alloc(5000)),
    stored('64 KiB of 0xff as a data set', 0xc000, Buffer.alloc(65_536, 0xff)),
    stored(
      'a whole file as a data set',
      'any',
      Buffer.concat([Buffer.alloc(128), bytesOf('DICM'), object.dataSet]),
    ),
    // Nobody decodes pixels at reception: what they are said to be is nobody's memory.
    stored('pixels of a billion frames', 0, withElement(el(0x00280008, 'IS', '1000000000'))),
    stored('pixels in 65,535 rows', 0, withElement(el(0x00280010, 'US', 65_535))),
    stored('pixels in rows of another type', 0, withElement(el(0x00280010, 'UL', 70_000))),
    stored('pixels without columns', 0, withElement(el(0x00280011, 'US', noBytes))),
    stored(
      'pixels that are JPEG markers without end',
      0,
      withElement(encapsulated([Buffer.alloc(60_000, hex('ff01'))])),
    ),
    stored(
      'sequences 64 deep',
      0,
      Buffer.concat([
        dataSetBytes(elements.slice(0, 6)),
        nestedWhole(64),
        dataSetBytes(elements.slice(6)),
      ]),
    ),
    stored(
      'sequences 65 deep',
      0xc000,
      Buffer.concat([
        dataSetBytes(elements.slice(0, 6)),
        nestedWhole(65),
        dataSetBytes(elements.slice(6)),
      ]),
    ),
    stored('sequences 20,000 deep', 0xc000, nested(20_000)),
    stored('sequences 100,000 deep', 0xc000, nested(100_000)),
    stored('sequences 100,000 deep and whole', 0xc000, nestedWhole(100_000)),
    stored(
      'a private element in group 2',
      'any',
      Buffer.concat([hex('02001000 5a5a 0000 ffffffff'), object.dataSet]),
    ),
    stored(
      'an odd VR for the SOP instance',
      'any',
      withElement(el(0x00080018, 'UL', Buffer.alloc(4))),
    ),
    stored('the SOP instance as a sequence', 'any', withElement(sq(0x00080018, [[]]))),
    stored('the study as numbers', 'any', withElement(el(0x0020000d, 'FD', Buffer.alloc(8)))),
    stored('an empty SOP instance', 0xa900, withElement(el(0x00080018, 'UI', ''))),
    stored('two values as study', 0xa900, withElement(el(0x0020000d, 'UI', ['1.2', '1.3']))),
    stored(
      'pixel data of undefined length without an end',
      0xc000,
      withElement(raw(hex('e07f1000 4f42 0000 ffffffff'), 0x7fe00010)),
    ),
    stored(
      'fragments that claim more than there is',
      0xc000,
      withElement(raw(hex('e07f1000 4f42 0000 ffffffff feff00e0 ffffff7f'), 0x7fe00010)),
    ),
    stored(
      '20,000 empty fragments',
      0,
      withElement(
        raw(
          Buffer.concat([
            hex('e07f1000 4f42 0000 ffffffff'),
            ...Array.from({ length: 20_000 }, () => hex('feff00e0 00000000')),
            hex('feffdde0 00000000'),
          ]),
          0x7fe00010,
        ),
      ),
    ),
    stored(
      'a character set of 2,000 bytes',
      'any',
      withElement(el(0x00080005, 'CS', 'A'.repeat(2000))),
    ),
    stored(
      'a patient name of 60,000 bytes',
      0,
      withElement(el(0x00100010, 'PN', `^${'='.repeat(60_000)}`)),
    ),
    stored(
      'escape sequences without end',
      0,
      withElement(el(0x00100010, 'PN', Buffer.alloc(3000, 0x1b))),
    ),
    stored(
      'shell commands as values',
      0,
      withElement(el(0x0008103e, 'LO', '$(reboot);`id`|x&\n../..')),
    ),
  ]
  for (const length of [0xffff, 0x7fffffff, 0xfffffffe, 0xffffffff]) {
    cases.push(
      stored(
        `an element that claims ${String(length)} bytes`,
        0xc000,
        withElement(
          raw(
            Buffer.concat([hex('e07f1000 4f57 0000'), Buffer.from(be32(length)).reverse()]),
            0x7fe00010,
          ),
        ),
      ),
      stored(
        `an item that claims ${String(length)} bytes`,
        0xc000,
        withElement(
          raw(
            Buffer.concat([
              hex('08001511 5351 0000 ffffffff feff00e0'),
              Buffer.from(be32(length)).reverse(),
            ]),
            0x00081115,
          ),
        ),
      ),
    )
  }
  // UIDs that would be paths, commands or lines.
  const names = [
    '..',
    '.',
    '../../x',
    '/etc/cron.d/x',
    'a/../../b',
    '%2e%2e',
    '1.2\0/x',
    '1'.repeat(65),
    '.'.repeat(64),
    '1.2 ',
    '1..2',
    '.1',
    '1.',
    '1.02x',
    ';id',
    '`id`',
    '$(id)',
    '1.2|x',
    '1\n2',
    '-rf',
    'CON',
    '~',
    '1.2\\1.3',
  ]
  for (const name of names) {
    const words = JSON.stringify(name.slice(0, 16))
    cases.push(
      stored(
        `the study ${words}`,
        name === '1.2 ' ? 'any' : 0xa900,
        withElement(el(0x0020000d, 'UI', name)),
      ),
      stored(
        `the series ${words}`,
        name === '1.2 ' ? 'any' : 0xa900,
        withElement(el(0x0020000e, 'UI', name)),
      ),
      stored(
        `the object ${words}`,
        name === '1.2 ' ? 'any' : 0xa900,
        withElement(el(0x00080018, 'UI', name)),
        name,
      ),
      stored(`the request's instance ${words}`, 0xa900, object.dataSet, name),
    )
  }
  return cases
}

export function deflatedSets(): Case[] {
  const context = [proposed(1, uid.ctImageStorage, [uid.deflated])]
  const stored = (name: string, expect: Expectation, dataSet: Buffer): Case =>
    plain(
      name,
      expect,
      associateRq({ contexts: context }),
      command(store),
      data(dataSet),
      releaseRq,
    )
  const whole = deflateRawSync(object.dataSet)
  return [
    stored('a deflated data set', 0, whole),
    stored('a deflated data set cut short', 0xc000, whole.subarray(0, whole.length - 20)),
    stored('a deflated data set that is not', 0xc000, object.dataSet),
    stored('an empty deflated data set', 0xc000, noBytes),
    stored(
      'a deflated data set with more behind it',
      'any',
      Buffer.concat([whole, Buffer.alloc(100, 7)]),
    ),
  ]
}
