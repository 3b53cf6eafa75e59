import type { Case } from './case.ts'
import { associationItems, titles } from './association.ts'
import { commandSets } from './command-sets.ts'
import { beginnings, flips, pieces } from './conversations.ts'
import { dataSets, deflatedSets } from './data-sets.ts'
import { notDicom, pduLengths, pduTypes, pdvs } from './pdus.ts'
import { userItems } from './user-information.ts'

export { type Case, objectOf } from './case.ts'

export function hostileCases(): readonly Case[] {
  return [
    ...notDicom(),
    ...pduTypes(),
    ...pduLengths(),
    ...pdvs(),
    ...associationItems(),
    ...titles(),
    ...userItems(),
    ...commandSets(),
    ...dataSets(),
    ...deflatedSets(),
    ...beginnings(),
    ...flips(),
    ...pieces(),
  ]
}
