/** What a service sees behind a gateway: mostly verification, of some sessions much more than of others. */
import { type TokenRule, validating } from '../devise-client.js'
import { populate } from '../population.js'
import type { Answer, Conversation, Request, Scenario } from '../scenario.js'
import { adminLogin, type Opened, postJson, withAdmin } from '../service-client.js'
import { zipf } from '../zipf.js'
import { askEach, type Question } from './crowd.js'
import { gatewayQuestion } from './gateway-asking.js'

const VERIFIED = 0.95
const ROTATED = 0.04
/** Rotating sessions of each connection: nobody else may use them, or its chain would be another's. */
const OWN = 16
const ROTATES: TokenRule = 'rotates'

export const mixed: Scenario = {
  name: 'mixed',
  about:
    '95 % GET /gateway/nginx, sessions by Zipf’s law; 4 % rotations; 1 % lists, introspections, sessions opened and ended',
  goals: {},
  environment: () => ({
    ...withAdmin,
    COUNTERSIGN_ROTATION: 'sequential',
    COUNTERSIGN_MAX_SESSIONS: '1000', // none is pushed out by those that are opened
  }),
  isTypical: ({ path }) => path === '/gateway/nginx',
  async open(url, connections, storage) {
    const crowd = await populate(storage, 'fixed', storage.sessions)
    const verifications = crowd.map((session) => gatewayQuestion(session))
    await askEach(url, verifications, connections)
    const drawn = zipf(crowd.length)
    const rotating = await populate(storage, 'rotating', connections * OWN)

    return Array.from({ length: connections }, (_, i) => {
      const chains = rotating
        .slice(i * OWN, (i + 1) * OWN)
        .map(({ uid, handle, token }) => validating({ uid, client: handle, token }, ROTATES))
      return conversation(
        (share) => {
          if (share < VERIFIED) return verifications[drawn()] as Question // never empty
          if (share < VERIFIED + ROTATED) return asQuestion(pick(chains))
          return undefined
        },
        others(crowd, drawn),
      )
    })
  },
}

/** @param often what is asked at a place between 0 and 1, if that is it */
function conversation(often: (share: number) => Question | undefined, rarely: () => Question): Conversation {
  let asked: Question | undefined
  return {
    get request() {
      asked = often(Math.random()) ?? rarely()
      return asked.request
    },
    receive: (answer) => (asked === undefined ? 'nothing was asked' : asked.judge(answer)),
  }
}

const pick = <T>(things: readonly T[]): T => things[Math.floor(Math.random() * things.length)] as T // never empty

function asQuestion(chain: Conversation): Question {
  return { request: chain.request, judge: (answer) => chain.receive(answer) }
}

/** What is asked rarely, in equal shares: an account's page of sessions, what a token means, a session opened, and ended. */
function others(crowd: readonly Opened[], drawn: () => number): () => Question {
  const opened: Opened[] = []
  const someone = () => crowd[drawn()] as Opened // never empty
  const sorts = [
    () => listing(someone()),
    () => introspecting(someone()),
    () => opening(pick(crowd).uid, opened),
    () => {
      const session = opened[0]
      return session === undefined ? introspecting(someone()) : ending(session, opened)
    },
  ]
  return () => pick(sorts)()
}

function listing({ token, handle }: Opened): Question {
  return {
    request: { method: 'GET', path: '/token', headers: { authorization: `Bearer ${token}` } },
    judge: (answer) =>
      expecting(answer, 200, answer.body.includes(`"id":"${token}"`) || answer.body.includes(handle)),
  }
}

function introspecting({ token, uid }: Opened): Question {
  const headers = { authorization: adminLogin, 'content-type': 'application/x-www-form-urlencoded' }
  return {
    request: { method: 'POST', path: '/oauth2/introspect', headers, body: `token=${token}` },
    judge(answer) {
      const { active, sub } = JSON.parse(answer.body) as { active?: boolean; sub?: string }
      return expecting(answer, 200, active === true && sub === uid)
    },
  }
}

function opening(uid: string, opened: Opened[]): Question {
  return {
    request: postJson(`/accounts/${uid}/sessions`, { kind: 'fixed' }),
    judge(answer) {
      const { id: handle, token } = JSON.parse(answer.body) as { id: string; token: string }
      opened.push({ uid, handle, token })
      return expecting(answer, 201, token.startsWith('cst_'))
    },
  }
}

function ending(session: Opened, opened: Opened[]): Question {
  const request: Request = {
    method: 'DELETE',
    path: `/accounts/${session.uid}/sessions/${session.handle}`,
    headers: { authorization: adminLogin },
  }
  return {
    request,
    judge(answer) {
      opened.shift()
      return expecting(answer, 204, true)
    },
  }
}

const expecting = (answer: Answer, status: number, isRight: boolean): string | undefined =>
  answer.status === status && isRight ? undefined : `${answer.status} ${answer.body}`
