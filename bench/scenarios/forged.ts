import { randomUUID } from 'node:crypto'
import { placeOf } from '../../src/store/keys.js'
import { createCountersigner } from '../../src/token/countersign.js'
import { generateMasterKeys, parseMasterKeys } from '../../src/token/master-keys.js'
import { validation } from '../devise-client.js'
import type { Scenario } from '../scenario.js'
import { drawing } from './crowd.js'

/** A flood of well-spelled tokens that nobody signed: by a key that has the service's id and is not the service's. */
export const forged: Scenario = {
  name: 'forged',
  about: 'GET /auth/validate_token, wrong signature, hardly ever the same token twice',
  goals: { cpuRatio: 1.2, roundTrips: 0 },
  environment: () => ({}),
  async open(_url, connections, { sessions }) {
    const forger = createCountersigner(parseMasterKeys(generateMasterKeys()))
    const run = randomUUID()
    const questions = Array.from({ length: sessions }, (_, i) => {
      const uid = `user${i}-${run}`
      const claim = forger.begin(placeOf(uid).tag, 1)
      return {
        request: validation({ uid, client: claim.handle, token: forger.mint(claim, 1, 0) }),
        judge: ({ status, body }: { status: number; body: string }) =>
          status === 401 ? undefined : `${status} ${body}`,
      }
    })
    return drawing(questions, connections)
  },
}
