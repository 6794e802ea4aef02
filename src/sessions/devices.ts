/** What people recognise a user agent by. */
import { parse } from 'bowser'
import { LRUCache } from 'lru-cache'
import type { Device } from '../session.js'

/** Reading one takes a fifth of a millisecond; a crowd of clients shares a few hundred of them. */
const REMEMBERED = 2_000

const unknown: Device = Object.freeze({ type: undefined, os: undefined, browser: undefined })

/** @returns reads user agents, each once; what is no browser (curl, a library, nothing at all) is unknown */
export function createDeviceReader(): (userAgent: string) => Device {
  const read = new LRUCache<string, Device>({
    max: REMEMBERED,
    memoMethod: (userAgent) => readDevice(userAgent),
  })
  // The library throws on ''.
  return (userAgent) => (userAgent === '' ? unknown : read.memo(userAgent))
}

/** Names without versions: an update makes no new device. */
function readDevice(userAgent: string): Device {
  const { platform, os, browser } = parse(userAgent)
  return Object.freeze({
    type: platform.type || undefined,
    os: os.name || undefined,
    browser: browser.name || undefined,
  })
}

/** @returns the device as people speak of it: `Firefox on Linux`, `Safari`, `an unknown device` */
export function deviceInWords({ type, os, browser }: Device): string {
  const names = [browser ?? type, os].filter((name) => name !== undefined)
  return names.length === 0 ? 'an unknown device' : names.join(' on ')
}
