/** How values of the configuration are written: time spans, lists, addresses, URLs. */
import { isIP } from 'node:net'
import { parse as parseTimeSpan } from '@lukeed/ms'

/** A century: longer than anything that is meant. */
const LONGEST_MS = 100 * 365 * 24 * 60 * 60 * 1000
/** What the address of a unix socket can hold on every system. */
const LONGEST_SOCKET_PATH = 103

/** @returns ms; NaN for what is no time span, negative, or over a century. A number alone is seconds. */
export function readTimeSpan(text: string): number {
  const trimmed = text.trim()
  const ms = /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) * 1000 : (parseTimeSpan(trimmed) ?? Number.NaN)
  return ms >= 0 && ms <= LONGEST_MS ? Math.round(ms) : Number.NaN
}

/** @returns the items of a list that is separated by commas */
export function readList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits = '0', ...rest] = text.split('/')
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest
}

/** An issuer or an origin: RFC 8414 section 2 forbids query and fragment. */
function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && !/[?#@]/.test(text)
}

/** What RFC 8292 section 2.1 wants of a contact. */
function isContact(text: string): boolean {
  return /^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(text) && URL.canParse(text)
}

/** What the `format` words of the schema accept. */
export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'time-span': (text) => readTimeSpan(text) > 0,
  'time-span-or-zero': (text) => readTimeSpan(text) >= 0,
  'socket-path': (text) => Buffer.byteLength(text) <= LONGEST_SOCKET_PATH,
  addresses: (text) => readList(text).every(isAddressOrRange),
  origins: (text) => readList(text).every((item) => isWebUrl(item) && new URL(item).origin === item),
  'web-url': isWebUrl,
  contact: isContact,
}
