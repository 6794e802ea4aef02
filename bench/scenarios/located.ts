/** What it costs that sessions say where they are used: the scenarios of gateways and of rotation, with locations and without. */
import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeMmdb } from '../../test/support/mmdb-writer.js'
import type { Conversation, Environment, Scenario } from '../scenario.js'
import { rotate } from './rotate.js'
import { verify } from './verify.js'

const WITHOUT = { COUNTERSIGN_GEO_DB: '/nowhere' }

export const locatedVerify = located(verify)
export const locatedRotate = located(rotate)

function located(scenario: Scenario): Scenario {
  return {
    name: `${scenario.name}-located`,
    about: `${scenario.about}; with locations, over the same without`,
    goals: { cpuRatio: 1.03 },
    against: WITHOUT,
    async environment(dir: string): Promise<Environment> {
      const folder = join(dir, 'locations')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'cities.mmdb'), database())
      const more = await scenario.environment(dir)
      return { ...more, COUNTERSIGN_GEO_DB: folder, COUNTERSIGN_TRUST_PROXY: '127.0.0.1' }
    },
    async open(url, connections) {
      const addressOf = addresses()
      const conversations = await scenario.open(url, connections)
      return conversations.map((conversation, i) => from(addressOf(i), conversation))
    },
  }
}

/** Others each time: what one service has located, another on the same Redis finds there. */
function addresses(): (i: number) => string {
  const first = randomInt(0x8000)
  return (i) => `81.2.${(first + i) >> 8}.${(first + i) & 255}`
}

/** A conversation by way of a gateway that says whose it is. */
function from(ip: string, conversation: Conversation): Conversation {
  const { request } = conversation
  let inner = request
  let outer = { ...request, headers: { ...request.headers, 'x-forwarded-for': ip } }
  return {
    get request() {
      if (conversation.request !== inner) {
        inner = conversation.request
        outer = { ...inner, headers: { ...inner.headers, 'x-forwarded-for': ip } }
      }
      return outer
    },
    receive: (answer) => conversation.receive(answer),
  }
}

function database(): Buffer {
  const record = {
    city: { geoname_id: 2643743, names: { en: 'London' } },
    continent: { code: 'EU', names: { en: 'Europe' } },
    country: { iso_code: 'GB', names: { en: 'United Kingdom' } },
    location: { latitude: 51.5142, longitude: -0.0931, time_zone: 'Europe/London' },
    postal: { code: 'EC1A' },
  }
  return writeMmdb({ databaseType: 'GeoLite2-City', ipVersion: 4, networks: [['81.2.0.0/16', record]] })
}
