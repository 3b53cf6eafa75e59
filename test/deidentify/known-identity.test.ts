import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { IdentitySearch, KnownIdentity } from '../../src/lib/deidentify/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'

type Kind = Parameters<KnownIdentity['add']>[0]

/** Is a text found in an object of which one value is known? */
function isFound(kind: Kind, known: string, text: string, vr = 'LO', given = ['S001']): boolean {
  const identity = new KnownIdentity(given)
  identity.add(kind, known)
  const element = el(vr === 'LO' ? 0x00181020 : 0x00181063, vr, Buffer.from(text, 'utf8'))
  const file = DicomFile.fromBuffer(
    ctImage({ elements: [el(0x00080005, 'CS', 'ISO_IR 192'), element] }),
  )
  return new IdentitySearch(identity, given).find(file).length > 0
}

const cases: Readonly<Record<string, readonly (readonly [Kind, string, string, boolean])[]>> = {
  'names are found in any case, order and accent': [
    ['name', 'Zwartkops^Klaasjan', 'ZWARTKOPS', true],
    ['name', 'Zwartkops^Klaasjan', 'scan of klaasjan', true],
    ['name', 'Zwartkops^Klaasjan', 'xzwartkopsx', true],
    ['name', 'Müller^Jörg', 'mueller', true],
    ['name', 'Müller^Jörg', 'MULLER', true],
    ['name', 'Mueller^Joerg', 'Mueller', true],
    ['name', 'Ångström^Åsa', 'aangstroem', true],
    ['name', 'Ångström^Åsa', 'Angstrom', true],
    ['name', 'Łukasz', 'lukasz', true],
    ['name', 'Weiß^Käthe', 'WEISS', true],
    ['name', "O'Brien^Sean", 'Brien', true],
    ['name', 'Schmidt-Lorenzen^Uwe', 'lorenzen', true],
    ['name', 'Yamada^Tarou=山田^太郎=やまだ^たろう', '山田', true],
    ['name', 'Yamada^Tarou=山田^太郎=やまだ^たろう', 'やまだ', true],
    ['name', 'Wang^Xiaodong=王^小东', '王小东', true],
  ],
  'unseen characters, accents of their own and wide letters hide nothing': [
    ['name', 'Zwartkops^Klaasjan', 'Zwart\u200bkops', true],
    ['name', 'Zwartkops^Klaasjan', 'Zw\u00adart\u00adkops', true],
    ['name', 'Zwartkops^Klaasjan', '\ufeffZ\u200dw\u200ca\u200er\u200ft\u2060k\u2064ops', true],
    ['name', 'Zwart\u200bkops^Klaasjan', 'zwartkops', true],
    ['name', 'Zwart\ufeffkops^Klaasjan', 'zwartkops', true],
    ['name', 'Zwartkops^Klaasjan', 'Z\u0335wa\u0301rtkops', true],
    ['name', 'Müller^Jörg', 'Mu\u0308ller', true],
    ['name', 'Mu\u0308ller^Jo\u0308rg', 'Mueller', true],
    ['name', 'Zwartkops^Klaasjan', 'Ｚｗａｒｔｋｏｐｓ', true],
    ['name', 'Zwartkops^Klaasjan', '𝐙𝐰𝐚𝐫𝐭𝐤𝐨𝐩𝐬', true],
    ['name', 'Lee^Ann', 'a\u200bLee', true],
    ['name', 'Lee^Ann', 'Lee\u200bAnn', true],
    ['name', 'Lee^Ann', 'as\u00adleep', false],
    ['identifier', 'HOSP-778812', 'HOSP\u2011778812', true],
    ['identifier', 'HOSP-778812', 'hosp–7788\u200b12', true],
    ['identifier', '778812', '７７８８１２', true],
    ['date', '19610423', '23.\u200b04.1961', true],
    ['address', 'Müllerstraße 4711', 'Muellerstrasse 4711', true],
  ],
  'letters that a device does not have, and what became of them on the way': [
    ['name', 'Müller^Jörg', 'M?ller', true],
    ['name', 'Müller^Jörg', 'M_ller 1', true],
    ['name', 'Müller^Jörg', 'M\ufffdller', true],
    ['name', 'Müller^Jörg', 'MLLER', true],
    ['name', 'Sæther^A', 'anesther', false],
    ['name', 'Sandberg^Bjørg', 'BJ?RG', true],
    ['name', 'Öst^Åsa', 'st', false],
    ['name', 'Müller^Jörg', Buffer.from('Müller').toString('latin1'), true],
    ['name', 'Müller^Jörg', 'MÃ¼ller', true],
    ['name', 'Böhme^A', 'BÃ–HME', true],
    ['name', 'Müller^Jörg', 'M&uuml;ller', true],
    ['name', 'Müller^Jörg', 'M&amp;uuml;ller', true],
    ['name', 'Åkesønn^A', '&Aring;kes&oslash;nn', true],
    ['name', 'Müller^Jörg', 'M%C3%BCller', true],
    ['name', 'Müller^Jörg', 'M%FCller', true],
    ['name', 'Müller^Jörg', 'M%25C3%25BCller', true],
    ['name', 'Müller^Jörg', '=?utf-8?Q?M=C3=BCller?=', true],
    ['name', 'Müller^Jörg', Buffer.from('Dr. Müller', 'latin1').toString('base64'), true],
    ['name', 'Müller^Jörg', Buffer.from('Müller', 'utf16le').toString('base64'), true],
    ['name', 'Müller^Jörg', Buffer.from('Müller>?', 'utf8').toString('base64url'), true],
    ['name', 'Müller^Jörg', Buffer.from('Müller', 'utf16le').toString('hex'), true],
    ['name', 'Cao^Yi', 't2_space_dark-fluid_sag_p2_iso', false],
    ['name', 'Müller^Jörg', '77 252 108 108 101 114', true],
    ['name', 'Müller^Jörg', '77,195,188,108,108,101,114', true],
    ['name', 'Müller^Jörg', '77 252 108 108 101 115', false],
    ['name', 'דבורה^א', 'הרובד', true],
    ['identifier', 'HOSP-778812', '000778812', true],
    ['phone', '+49 541 7789123', '7789123', true],
    ['address', 'Köhlerstraße 17, Osnabrück', 'Koehlerstr. 17', true],
  ],
  'names cut short are found as words of six letters and more': [
    ['name', 'Zwartkops^Klaasjan', 'ZWARTKOP.IMA', true],
    ['name', 'Zwartkops^Klaasjan', 'zwartk', true],
    ['name', 'Zwartkops^Klaasjan', 'zwart', false],
    ['name', 'Zwartkops^Klaasjan', 'zwartkoffer', false],
    ['name', 'Abdominus^A', 'abdomi', true],
    ['name', 'Standards^A', 'standard', false],
    ['name', 'Zwölferhof^A', 'ZWOELFER.IMA', true],
  ],
  'the same letters in another way': [
    ['name', 'Mueller^Joerg', 'Müller', true],
    ['name', 'Aagaard^Soeren', 'Ågård', true],
    ['name', 'Aagaard^Soeren', 'Ågaard', true],
    ['name', 'Søren', 'soeren', true],
    ['name', 'Sæther^Bjørn', 'saether', true],
    ['name', 'Þórsdóttir', 'Thorsdottir', true],
  ],
  'Cyrillic and Greek names in Latin letters, and the reverse': [
    ['name', 'Иванов^Алексей', 'IVANOV', true],
    ['name', 'Иванов^Алексей', 'for Aleksei', true],
    ['name', 'Иванов^Алексей', 'Aleksey', true],
    ['name', 'Иванов^Алексей', 'ИВАНОВА', true],
    ['name', 'Ivanov^Aleksej', 'иванов', true],
    ['name', 'Ivanov^Aleksej', 'алексей', true],
    ['name', 'Щербаков', 'Shcherbakov', true],
    ['name', 'Щербаков', 'schtscherbakow', true],
    ['name', 'Хрущёв', 'Khrushchev', true],
    ['name', 'Хрущёв', 'Chruschtschjow', true],
    ['name', 'Юлия^Яковлева', 'Yakovleva', true],
    ['name', 'Юлия^Яковлева', 'Iakovleva', true],
    ['name', 'Юлия^Яковлева', 'Jakowlewa', true],
    ['name', 'Григоренко', 'Hryhorenko', true],
    ['name', 'Чайковский', 'Tschaikowski', true],
    ['name', 'Чайковский', 'Chaykovsky', true],
    ['name', 'Дмитрий', 'Dmitry', true],
    ['name', 'Παπαδόπουλος^Γιώργος', 'Papadopoulos', true],
    ['name', 'Παπαδόπουλος^Γιώργος', 'GIORGOS', true],
    ['name', 'Papadopoulos', 'ΠΑΠΑΔΟΠΟΥΛΟΣ', true],
    ['name', 'Ευθυμίου', 'Efthymiou', true],
    ['name', 'Ευθυμίου', 'Evthymiou', true],
    ['name', 'Zwartkops^Klaasjan', 'Zwаrtkорs', true],
    ['name', 'Χαϊδεμένος', 'Chaidemenos', true],
    ['name', 'Ли^Вера', 'или', false],
    ['name', 'Ли^Вера', 'вера', true],
    ['name', 'Ли^Вера', 'доверие', false],
    ['name', 'Ли^Вера', 'Vera', true],
    ['name', 'Ли^Вера', 'several', false],
    ['name', 'Ким', 'режим', false],
  ],
  'short names are words, and words of imaging are no names': [
    ['name', 'Lee^Ann', 'Lee', true],
    ['name', 'Lee^Ann', 'asleep', false],
    ['name', 'Lee^Ann', 'ANN', true],
    ['name', 'Lee^Ann', 'annual', false],
    ['name', 'Li^Wu', 'list of wulfenite', false],
    ['name', 'Li^Wu', 'LI^WU', true],
    ['name', 'Li^Wu', 'for Wu Li', true],
    ['name', 'Head^Mary', 'HEAD FIRST', false],
    ['name', 'Head^Mary', 'Mary Head', true],
    ['name', 'van der Berg^Jan', 'van de scan der hand', false],
    ['name', 'van der Berg^Jan', 'Berg', true],
    ['name', 'Phantom^Quality', 'quality phantom 3', true],
    ['name', 'Anonymous', 'anonymous', false],
  ],
  'little pieces must stand alone, and a word that is everywhere is no name': [
    ['name', 'Li^An', 'Scan line angle', false],
    ['name', 'Li^An', 'for An Li2', true],
    ['name', 'Li^An', 'MR_Li_An_1', true],
    ['name', 'Scan^Li', 'scan line', false],
    ['name', 'Ng^Ho', 'long ho', false],
    ['name', 'Norma^Diaz', 'Normalized', false],
    ['name', 'Norma^Diaz', 'norma2', true],
    ['name', 'Norma^Diaz', 'Normaxyz', true],
    ['name', 'Norma^Diaz', 'Normalized for norma', true],
    ['name', 'Conti^Marco', 'DISCONTINUOUS', false],
    ['name', 'Conti^Marco', 'xConti', true],
    ['name', 'Regis^Paul', 'Registration', false],
    ['name', 'Philip^Hans', 'Philips Medical Systems', false],
    ['name', 'Philip^Hans', 'Philipp', true],
    ['name', 'Philip^Hans', 'philip s', true],
    ['name', 'Trans^Ann', 'Transverse', false],
    ['place', 'Philips Medical Systems', 'Philips Medical Systems', false],
    ['place', 'Radiology', 'Radiology', false],
    ['place', 'Radiology Oudkerk', 'radiology oudkerk', true],
    ['identifier', 'PHANTOM', 'Phantom', false],
    ['identifier', 'HEAD', 'HEAD FIRST', false],
    ['identifier', 'CT 64', 'CT 640', false],
    ['identifier', 'CT 64', 'CT 64 slices', true],
    ['identifier', 'AB-12', 'see AB-12.', true],
    ['identifier', 'AB-12', 'AB-123', false],
    ['identifier', 'AB-1234', 'xAB-12345', true],
  ],
  'identifiers are words; short ones say nothing': [
    ['identifier', '1', '1', false],
    ['identifier', '123', '123', false],
    ['identifier', '4711', 'V 4711', true],
    ['identifier', '4711', '14711', false],
    ['identifier', 'AB12', 'AB12', true],
    ['identifier', 'HOSP-778812', 'see hosp-778812!', true],
    ['identifier', '778812', '778812', true],
    ['identifier', '778812', '1778812', false],
    ['identifier', '19700101-1234', '19700101-1234', true],
    ['identifier', 'HOSP-778812', 'patient 778812', true],
    ['identifier', 'HOSP-00778812', '778812', true],
    ['identifier', '0000778812', 'no. 778812', true],
    ['identifier', 'HOSP-000012', '12', false],
    ['identifier', 'HOSP-77881', '77881', false],
  ],
  'dates are found as people write them': [
    ['date', '19610423', '19610423', true],
    ['date', '19610423', '1961-04-23', true],
    ['date', '19610423', '23.04.1961', true],
    ['date', '19610423', '23/4/1961', true],
    ['date', '19610423', '04/23/1961', true],
    ['date', '19610423', '23 Apr 1961', true],
    ['date', '19610423', '23-APR-1961', true],
    ['date', '19610423', 'April 23, 1961', true],
    ['date', '19610423', '23. April 1961', true],
    ['date', '1961.04.23', '19610423', true],
    ['date', '19610423', '1961', false],
    ['date', '19610423', '230461', false],
    ['date', '19610423', 'born 23.04.61', true],
    ['date', '19610423', '04/23/61', true],
    ['date', '19610423', '61-04-23', true],
    ['date', '19610423', '23.04.619', false],
    ['date', '19610423', '123.04.61', false],
    ['date', '', 'anything', false],
  ],
  'numbers of telephones whatever stands between': [
    ['phone', '+31 58 1234567', '31-58-1234567', true],
    ['phone', '+31 58 1234567', 'tel. (31) 58/123.45.67', true],
    ['phone', '+31 58 1234567', '058-1234567', true],
    ['phone', '0031581234567', '(58) 123 4567', true],
    ['phone', '058 1234567', '+31581234567', true],
    ['phone', '112', '112', false],
    ['phone', 'zwart@example.org', 'Zwart@Example.org', true],
  ],
  'places and addresses as a whole and line by line': [
    ['address', 'Lindenstraat 4711, Oudkerk', 'lindenstraat  4711', true],
    ['address', 'Lindenstraat 4711, Oudkerk', 'Lindenstraat 4711', true],
    ['address', 'Lindenstraat 4711, Oudkerk', 'the house in Lindenstraat', true],
    ['address', 'Hospital Street 12', 'hospital street', true],
    ['address', 'Back Row 12', 'back row', true],
    ['address', 'Standard Hospital 12', 'standard hospital', false],
    ['address', '12 Elm St', 'elm st', false],
    ['place', 'Sint Odulphus Gasthuis', 'at sint odulphus gasthuis', true],
    ['place', 'MR', 'MR', false],
    ['place', 'TOSHIBA', 'TOSHIBA_MEC', false],
  ],
}

t.test('in other dresses: hexadecimal, escapes of JSON, over two lines', (t) => {
  const hex = Buffer.from('Zwartkops^A').toString('hex')
  for (const text of [
    hex,
    hex.toUpperCase(),
    (hex.match(/../g) ?? []).join(' '),
    (hex.match(/../g) ?? []).map((byte) => `0x${byte}`).join(', '),
    'Zwart\\u006bops',
    'Zwart\\x6bops',
    'Zwart-\r\n  kops',
  ]) {
    t.ok(isFound('name', 'Zwartkops^Klaasjan', text, 'LT'), text)
  }
  t.notOk(isFound('name', 'Zwartkops^Klaasjan', '20 30 40 50 60 70 80 90', 'LT'))
  t.end()
})

for (const [what, rows] of Object.entries(cases)) {
  t.test(what, (t) => {
    for (const [kind, known, text, expected] of rows) {
      t.equal(isFound(kind, known, text), expected, `${known} in "${text}"`)
    }
    t.end()
  })
}

t.test('dates in the words of other languages, and as programs write them', (t) => {
  for (const text of [
    '7. März 1951',
    '7. mars 1951',
    '7 de marzo de 1951',
    '7 марта 1951',
    '07-MRZ-1951',
    '07-MAR-51',
    'Mar-07-1951',
    '1951-MAR-07',
    '7th of March 1951',
    'March 7th, 1951',
    '07_03_1951',
    '1951-3-7',
    '1951年3月7日',
    '7.3.51',
    '19510307T101010',
    'at 19510307101010',
  ]) {
    t.ok(isFound('date', '19510307', text), text)
  }
  for (const text of ['7. Mai 1951', '7 marker 1951', '17.3.51', '119510307101010', '7.3.511']) {
    t.notOk(isFound('date', '19510307', text), text)
  }
  t.notOk(isFound('date', '20100201', '1.2.10'), 'the version of a program')
  t.end()
})

t.test('in bytes they are found, and words that are everywhere are none, as in texts', (t) => {
  const bytes = (text: string) =>
    Buffer.concat([Buffer.from([1, 2]), Buffer.from(text), Buffer.from([3])])
  const isIn = (kind: Kind, known: string, text: string) => {
    const identity = new KnownIdentity([])
    identity.add(kind, known)
    const object = ctImage({ elements: [el(0x00282000, 'OB', bytes(text))] })
    return new IdentitySearch(identity, []).find(DicomFile.fromBuffer(object)).length > 0
  }
  t.equal(isIn('name', 'Zwartkops^A', 'xZwartkopsy'), true)
  t.equal(isIn('name', 'Philip^Hans', 'of Philips Medical'), false)
  t.equal(isIn('name', 'Philip^Hans', 'of Philip Medical'), true)
  t.equal(isIn('name', 'Zhang^Wei', '\x80Zhang^Wei'), true)
  t.equal(isIn('name', 'Wang^Li', 'wang line'), false)
  t.equal(isIn('name', 'Hu^Wenli', 'éHu Wenlié'), true, 'what is beside it is no letter there')
  t.equal(isIn('name', 'Ngo^Vu', 'xyz ngo vu1'), true)
  t.equal(isIn('name', 'Ngo^Vu', 'mango vuxy'), false)
  t.equal(isIn('phone', '+31 58 1234567', 'tel 31 58 1234567'), true)
  t.end()
})

t.test('bytes that are a text are undressed as texts are, and numbers may be letters', (t) => {
  const isIn = (element: ReturnType<typeof el>) => {
    const identity = new KnownIdentity([])
    identity.add('name', 'Müller^Jörg=ﾔﾏﾀﾞ')
    const object = ctImage({ elements: [element] })
    return new IdentitySearch(identity, []).find(DicomFile.fromBuffer(object)).length > 0
  }
  const bytes = (text: string) => el(0x00282000, 'OB', Buffer.from(text))
  t.ok(isIn(bytes('<FamilyName>M&#252;ller</FamilyName>')))
  t.ok(isIn(bytes('{"name": "M\\u00fcller"} ')))
  t.ok(isIn(bytes(Buffer.from('of Müller').toString('base64'))))
  t.notOk(isIn(bytes('{"name": "M\\u00fcnder"} ')))
  t.ok(isIn(bytes('\x01ヤマダ ')), 'of full width')
  t.ok(isIn(el(0x00080120, 'UR', 'urn:M%C3%BCller')))
  t.ok(isIn(el(0x00720078, 'UL', [0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72])), 'UTF-32')
  t.ok(isIn(el(0x30060050, 'DS', ['77', '252', '108', '108', '101', '114'])))
  t.notOk(isIn(el(0x30060050, 'DS', ['77', '252', '108', '108', '101', '115'])))
  t.end()
})

t.test('what is no UID stands for none', (t) => {
  const identity = new KnownIdentity([])
  identity.uids.add('0').add('1.2.3')
  const search = new IdentitySearch(identity, [])
  const objectWith = (uid: string) =>
    DicomFile.fromBuffer(ctImage({ elements: [el(0x00081150, 'UI', uid)] }))
  t.same(search.find(objectWith('0')), [])
  t.equal(search.find(objectWith('1.2.3')).length, 1)
  const asNumber = ctImage({ elements: [el(0x00180050, 'DS', '1.2.3')] })
  t.equal(
    search.find(DicomFile.fromBuffer(asNumber)).length,
    1,
    'in implicit VR a UID may be a number',
  )
  t.end()
})

t.test('among numbers only long identifiers count', (t) => {
  t.equal(isFound('identifier', '100000', '100000', 'DS'), false)
  t.equal(isFound('identifier', '12345678', '12345678', 'DS'), true)
  t.equal(isFound('identifier', '778812', '778812', 'IS'), true)
  t.equal(isFound('identifier', '77881', '77881', 'IS'), false)
  // Devices make identifiers of the date and the time, which a profile may keep where they belong.
  t.equal(isFound('identifier', 'PPS-20230917-101112', '101112', 'TM'), false)
  t.end()
})

t.test('what shall be written is not searched', (t) => {
  t.equal(isFound('identifier', 'HOSP-778812', 'HOSP-778812', 'LO', ['HOSP-778812']), false)
  t.equal(isFound('name', 'Zwartkops', 'zwartkops 1', 'LO', ['ZWARTKOPS']), false)
  t.end()
})

t.test('a hundred thousand UIDs are no more work than one', (t) => {
  const identity = new KnownIdentity([])
  for (let at = 0; at < 100_000; at++) identity.uids.add(`2.25.1001.${String(at)}`)
  const search = new IdentitySearch(identity, [])
  const table = (text: string) =>
    DicomFile.fromBuffer(
      ctImage({
        without: [0x0020000d, 0x0020000e, 0x00200052],
        elements: [
          el(0x00282000, 'OB', Buffer.concat([Buffer.alloc(3_000_000), Buffer.from(text)])),
        ],
      }),
    )
  t.same(search.find(table('2.25.1001.99999 ')), ['(0028,2000) ICCProfile'])
  t.same(search.find(table('2.25.1001.100000')), [])
  t.end()
})

t.test('text is read as UTF-8, too, whatever the object declares', (t) => {
  const identity = new KnownIdentity([])
  identity.add('name', 'Müller^Jörg')
  identity.add('name', 'Zwartkops')
  const search = new IdentitySearch(identity, [])
  const isFoundIn = (characterSet: string, value: Buffer) =>
    search.find(
      DicomFile.fromBuffer(
        ctImage({
          elements: [el(0x00080005, 'CS', characterSet), el(0x00181020, 'LO', value)],
        }),
      ),
    ).length > 0
  for (const text of ['für Müller', 'Zwart\u200bkops ']) {
    t.ok(isFoundIn('ISO_IR 192', Buffer.from(text)), text)
    t.ok(isFoundIn('ISO_IR 100', Buffer.from(text)), text)
    t.ok(isFoundIn('', Buffer.from(text)), text)
  }
  t.ok(isFoundIn('ISO_IR 192', Buffer.from('Müller', 'latin1')))
  t.notOk(isFoundIn('ISO_IR 100', Buffer.from('für Mutter')))
  t.end()
})

t.test('in bytes other letters are found in the cases people write', (t) => {
  const identity = new KnownIdentity([])
  identity.add('name', 'Папандреу')
  const search = new IdentitySearch(identity, [])
  for (const text of ['папандреу', 'ПАПАНДРЕУ', 'Папандреу']) {
    const bytes = Buffer.concat([Buffer.of(1, 2), Buffer.from(text)])
    const object = ctImage({ elements: [el(0x00282000, 'OB', bytes)] })
    t.same(search.find(DicomFile.fromBuffer(object)), ['(0028,2000) ICCProfile'], text)
  }
  t.end()
})
