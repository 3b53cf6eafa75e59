import { foldText } from './fold-text.ts'

/** English, German, Norwegian, Danish, Swedish, Dutch, French, Spanish, Italian, Portuguese, Polish, Russian; folded, and as they are cut. */
const months = `january januar januari janvier enero gennaio janeiro stycznia января jan janv ene gen
  february februar februari fevrier febrero febbraio fevereiro lutego февраля feb fev fevr
  march marz marts mars marzo maart marco marca марта mar mrz mrt
  april avril abril aprile kwietnia апреля apr avr abr
  may mai maj mayo maggio mei maio maja мая mag
  june juni juin junio giugno junho czerwca июня jun giu
  july juli juillet julio luglio julho lipca июля jul juil lug
  august augusti augustus aout agosto sierpnia августа aug aou ago
  september septembre septiembre settembre setembro wrzesnia сентября sep sept set
  october oktober octobre octubre ottobre outubro pazdziernika октября oct okt ott out
  november novembre noviembre novembro listopada ноября nov
  december dezember desember decembre diciembre dicembre dezembro grudnia декабря dec dez des dic`

let numbers: ReadonlyMap<string, string> | undefined

/** `07` for `juillet`. */
function monthOf(name: string): string | undefined {
  numbers ??= new Map(
    months.split('\n').flatMap((line, at) =>
      line
        .trim()
        .split(' ')
        .map((word) => [word, twoDigits(String(at + 1))] as const),
    ),
  )
  return numbers.get(name)
}

const between = '[ .,_/-]{0,3}'
const dayMonthYear = new RegExp(
  `(?<!\\d)(\\d{1,2})(?:st|nd|rd|th)?${between}(?:(?:of|de) )?(\\p{L}{3,14})${between}(?:(?:of|de) )?(\\d{4}|\\d\\d)(?!\\d)`,
  'gu',
)
const monthDayYear = new RegExp(
  `(?<!\\p{L})(\\p{L}{3,14})${between}(\\d{1,2})(?:st|nd|rd|th)?${between}(\\d{4}|\\d\\d)(?!\\d)`,
  'gu',
)
const yearMonthDay = new RegExp(
  `(?<!\\d)(\\d{4})${between}(\\p{L}{3,14})${between}(\\d{1,2})(?!\\d)`,
  'gu',
)
const inNumbers = /(?<!\d)(\d{1,2})([./_-])(\d{1,2})\2(\d{4}|\d\d)(?!\d)/g
const yearFirst = /(?<!\d)(\d{4})(?:年|[._/-])(\d{1,2})(?:月|[._/-])(\d{1,2})(?!\d)/g
const beforeTime = /(?<!\d)(\d{8})(?=t\d|\d{6}(?!\d))/g
/** `1.2.10` is the version of a program; nobody is born on the 40th. */
const lastOfDays = 31

/**
 * A text, folded, in which dates stand as `23.04.1961`, that is with two digits for the day and the month, whatever language
 * and order they were in: `7th of April 1951`, `07-MRZ-51`, `1951年4月7日`, `19510407T1010`. The same text where there is none.
 */
export function withPlainDates(text: string): string {
  if (!/\d/.test(text)) return text
  const dotted = (day: string, month: string, year: string) =>
    `${twoDigits(day)}.${twoDigits(month)}.${year}`
  const folded = foldText(text)
  const plain = folded
    .replace(dayMonthYear, (found: string, day: string, name: string, year: string) => {
      const month = monthOf(name)
      return month === undefined ? found : dotted(day, month, year)
    })
    .replace(monthDayYear, (found: string, name: string, day: string, year: string) => {
      const month = monthOf(name)
      return month === undefined ? found : dotted(day, month, year)
    })
    .replace(yearMonthDay, (found: string, year: string, name: string, day: string) => {
      const month = monthOf(name)
      return month === undefined ? found : dotted(day, month, year)
    })
    .replace(inNumbers, (found: string, day: string, _: string, month: string, year: string) =>
      year.length === 4 || Number(year) > lastOfDays ? dotted(day, month, year) : found,
    )
    .replace(yearFirst, (_: string, year: string, month: string, day: string) =>
      dotted(day, month, year),
    )
    .replace(beforeTime, '$1 ')
  return plain === folded ? text : plain
}

function twoDigits(number: string): string {
  return number.padStart(2, '0')
}
