/** What it costs that sessions say where they are used: the scenarios of gateways and of rotation, with locations and without. */
import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeMmdb } from '../../test/support/mmdb-writer.js'
import type { Conversation, Environment, Request, Scenario } from '../scenario.js'
import { rotate } from './rotate.js'
import { verify } from './verify.js'

const WITHOUT = { COUNTERSIGN_GEO_DB: '/nowhere' }

export const locatedVerify = withLocations(verify)
export const locatedRotate = withLocations(rotate)

function withLocations(scenario: Scenario): Scenario {
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
    async open(url, connections, storage) {
      const addressOf = addresses()
      const conversations = await scenario.open(url, connections, storage)
      return conversations.map((conversation) => located(conversation, addressOf))
    },
  }
}

/** One for each session, others for each service: what one has located, another on the same Redis finds there. */
function addresses(): (request: Request) => string {
  const first = randomInt(0x8000)
  const known = new Map<string, string>()
  return ({ headers }) => {
    const session = headers.client ?? headers.authorization ?? ''
    const i = first + (known.size % 0x8000)
    const address = known.get(session) ?? `81.2.${i >> 8}.${i & 255}`
    known.set(session, address)
    return address
  }
}

/** A conversation by way of a gateway that says whose it is. */
function located(conversation: Conversation, addressOf: (request: Request) => string): Conversation {
  const outer = new WeakMap<Request, Request>()
  return {
    get request() {
      const inner = conversation.request
      const known = outer.get(inner)
      if (known !== undefined) return known
      const request = { ...inner, headers: { ...inner.headers, 'x-forwarded-for': addressOf(inner) } }
      outer.set(inner, request)
      return request
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
