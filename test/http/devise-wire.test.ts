/** The Bearer is put together by hand: whatever a uid is, it must say the same as the headers beside it. */
import fc from 'fast-check'
import t from 'tap'
import type { Account } from '../../src/account.js'
import { tokenHeaders } from '../../src/http/devise-wire.js'
import { textOfHeader } from '../../src/http/header-text.js'
import type { Session } from '../../src/session.js'

const session: Session = {
  ...{ handle: 'h'.repeat(22), tag: 'abc', uid: '', kind: 'rotating', scopes: [] },
  ...{ createdAt: 1, expiresAt: 1_900_000_000_999, endsAt: 2_000_000_000_000 },
}

t.test('the Bearer is the base64 of the other fields as JSON, in their order', async (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (uid) => {
      const account: Account = {
        ...{ id: 1, uid, provider: 'email', email: undefined, roles: [], attributes: {} },
        ...{ createdAt: 1, updatedAt: 1 },
      }
      const { authorization = '', ...fields } = tokenHeaders(account, session, 'cst_token')
      const told = { ...fields, uid: textOfHeader(fields.uid ?? '') }
      return (
        told.uid === uid &&
        Buffer.from(authorization.slice('Bearer '.length), 'base64').toString() === JSON.stringify(told)
      )
    }),
    { numRuns: 2_000 },
  )
  t.pass('2,000 uids')
})
