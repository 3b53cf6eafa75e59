/** Items of A-ASSOCIATE-RQ and -AC (PS3.8 9.3.2, 9.3.3). */
export const ItemType = {
  applicationContext: 0x10,
  proposedContext: 0x20,
  answeredContext: 0x21,
  abstractSyntax: 0x30,
  transferSyntax: 0x40,
  userInformation: 0x50,
} as const
