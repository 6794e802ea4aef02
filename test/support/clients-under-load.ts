/** Many clients, each of one session: they keep the last token that they received and come with it, again and again. */
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Client {
  /** Makes one request. `unavailable`: no verdict, so the client keeps what it has. */
  come(): Promise<'accepted' | 'refused' | 'unavailable'>
}

const LANES = 24
const AWAY_MS = 20
const MOST_TRIES = 500

/**
 * Lets `clients` come one after the other, in a few lanes, over and over.
 *
 * @returns ends it, and resolves when no request is under way
 */
export function startLoad(clients: readonly Client[]): () => Promise<void> {
  let stopped = false
  async function run(own: readonly Client[]): Promise<void> {
    while (!stopped)
      for (const client of own) {
        if (stopped) return
        if ((await client.come()) === 'unavailable') await delay(AWAY_MS)
      }
  }
  const lanes = Array.from({ length: LANES }, (_, lane) =>
    run(clients.filter((_, index) => index % LANES === lane)),
  )
  return async () => {
    stopped = true
    await Promise.all(lanes)
  }
}

/** Every client comes back with the last token it had received. @returns how many are refused */
export async function countLockedOut(clients: readonly Client[]): Promise<number> {
  const queue = [...clients]
  let lockedOut = 0
  async function work(): Promise<void> {
    for (let client = queue.pop(); client !== undefined; client = queue.pop()) {
      let verdict = await client.come()
      for (let tries = 0; verdict === 'unavailable'; tries++) {
        if (tries === MOST_TRIES) throw new Error('the service does not come back')
        await delay(AWAY_MS)
        verdict = await client.come()
      }
      if (verdict === 'refused') lockedOut++
    }
  }
  await Promise.all(Array.from({ length: LANES }, work))
  return lockedOut
}

/** What a client keeps of its session. */
export interface Held {
  'access-token': string
  client: string
  uid: string
}

/**
 * Browsers of this service: each validates its token over HTTP, and sends every request to the next instance.
 *
 * @param urls the instances, which may be exchanged
 */
export function browsers(sessions: readonly Held[], urls: () => readonly string[]): Client[] {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES })
  let next = 0
  return sessions.map((session) => {
    const held = { ...session }
    return {
      async come() {
        const all = urls()
        const url = `${all[next++ % all.length]}/auth/validate_token`
        const answer = await get(agent, url, held).catch(() => undefined)
        if (answer === undefined || answer.status === 503) return 'unavailable'
        if (answer.status !== 200) return 'refused'
        const { 'access-token': fresh } = answer.headers
        if (fresh !== undefined) held['access-token'] = String(fresh)
        return 'accepted'
      },
    }
  })
}

interface Answer {
  status: number | undefined
  headers: IncomingMessage['headers']
}

function get(agent: Agent, url: string, held: Held): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, headers: { ...held } }, (answer) => {
      answer.resume().once('end', () => resolve({ status: answer.statusCode, headers: answer.headers }))
      answer.once('error', reject)
    })
    outgoing.once('error', reject)
    outgoing.end()
  })
}
