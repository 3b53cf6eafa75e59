import { isIP } from 'node:net'

/** `10.1.0.0/16`, `2001:db8::/32`, or one address. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  const version = isIP(address)
  const longest = version === 6 ? 128 : 32
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)
  return version !== 0 && isPrefix && more.length === 0
}
