/** What it costs that sessions say where they are used: the scenarios of gateways and of rotation, with locations and without. */
import { randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeMmdb } from '../../test/support/mmdb-writer.js'
import { populate } from '../population.js'
import type { Conversation, Environment, Request, Scenario } from '../scenario.js'
import { askEach, drawing } from './crowd.js'
import { gatewayQuestion } from './gateway-asking.js'
import { rotate } from './rotate.js'
import { verify } from './verify.js'

/** So many have an address each, and begin quickly: many pairs of services are compared, as they differ by little. */
const CROWD = 20_000

/** Each of the crowd has been asked about from its own address before: from another it would be news, which is written. */
export const locatedVerify: Scenario = {
  ...withLocations({
    ...verify,
    about: `GET /gateway/nginx, answered from memory, of ${CROWD.toLocaleString('en')} sessions`,
  }),
  async open(url, connections, storage) {
    const addressOf = addresses()
    const sessions = await populate(storage, 'fixed', Math.min(CROWD, storage.sessions))
    const questions = sessions.map((session) => {
      const { request, judge } = gatewayQuestion(session)
      return { request: from(addressOf(), request), judge }
    })
    await askEach(url, questions, connections)
    return drawing(questions, connections)
  },
}

export const locatedRotate: Scenario = {
  ...withLocations(rotate),
  async open(url, connections, storage) {
    const addressOf = addresses()
    const conversations = await rotate.open(url, connections, storage)
    return conversations.map((conversation) => sent(conversation, addressOf()))
  },
}

function withLocations(scenario: Scenario): Scenario {
  return {
    ...scenario,
    name: `${scenario.name}-located`,
    about: `${scenario.about}; with locations, over the same without, a pair of processes for each round`,
    goals: { cpuRatio: 1.03 },
    against: { COUNTERSIGN_GEO_DB: '/nowhere' },
    async environment(dir: string): Promise<Environment> {
      const folder = join(dir, 'locations')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'cities.mmdb'), database())
      const more = await scenario.environment(dir)
      return { ...more, COUNTERSIGN_GEO_DB: folder, COUNTERSIGN_TRUST_PROXY: '127.0.0.1' }
    },
  }
}

/** @returns addresses in turn, others for each service: what one has located, another on the same Redis finds there */
function addresses(): () => string {
  const first = randomInt(0x8000)
  let drawn = 0
  return () => {
    const i = first + (drawn++ % 0x8000)
    return `81.2.${i >> 8}.${i & 255}`
  }
}

/** A conversation by way of a gateway that says whose it is. */
function sent(conversation: Conversation, address: string): Conversation {
  return {
    get request() {
      return from(address, conversation.request)
    },
    receive: (answer) => conversation.receive(answer),
  }
}

const from = (address: string, request: Request): Request => ({
  ...request,
  headers: { ...request.headers, 'x-forwarded-for': address },
})

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
