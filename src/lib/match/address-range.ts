import { BlockList, isIP } from 'node:net'

/** `10.1.0.0/16`, `2001:db8::/32`, or one address. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  const version = isIP(address)
  const longest = version === 6 ? 128 : 32
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)
  return version !== 0 && isPrefix && more.length === 0
}

/** What to write instead of a text that is no range: for messages. */
export const addressForms = '10.1.2.3, 10.1.0.0/16 or 2001:db8::/32'

/**
 * Whether an address lies in a range; what is no address lies in none. Names are not looked up.
 * @param range one that `isAddressRange` takes
 */
export function addressTest(range: string): (address: string) => boolean {
  const [base = '', prefix] = range.split('/')
  const isV6 = isIP(base) === 6
  const list = new BlockList()
  const bits = prefix === undefined ? (isV6 ? 128 : 32) : Number(prefix)
  list.addSubnet(base, bits, isV6 ? 'ipv6' : 'ipv4')
  return (address) => {
    const version = isIP(address)
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
  }
}
