import { populate } from '../population.js'
import type { Answer, Scenario } from '../scenario.js'
import { postJson, withAdmin, withOwnToken } from '../service-client.js'
import { acquaint, drawing } from './crowd.js'

const TOKENS = 256

/** All that one question may hold, answered from memory; the floor reads and writes the same JSON. */
export const batch: Scenario = {
  name: 'batch',
  about: `POST /verify with ${TOKENS} tokens, answered from memory; sessions from everywhere in a crowd`,
  goals: { roundTrips: 0, beyondFloor: { parts: TOKENS, part: 'token', micros: 2 } },
  environment: () => withAdmin,
  async open(url, connections, storage) {
    const batches = Math.max(1, Math.floor(storage.sessions / TOKENS))
    const tokens = (await populate(storage, 'fixed', batches * TOKENS)).map(({ token }) => token)
    await acquaint(url, tokens)
    const headers = await withOwnToken(url)
    // From everywhere in the crowd: what came into memory side by side is quickly found side by side, and nobody asks so.
    const batchOf = (i: number) => tokens.filter((_, at) => at % batches === i)
    const questions = Array.from({ length: batches }, (_, i) => ({
      request: { ...postJson('/verify', { tokens: batchOf(i) }), headers },
      judge({ status, body }: Answer) {
        const good = body.split('"active":true').length - 1
        return status === 200 && good === TOKENS
          ? undefined
          : `${status}, ${good} good: ${body.slice(0, 200)}`
      },
    }))
    return drawing(questions, connections)
  },
}
