/** Sessions in every state, of three accounts. */
import { setTimeout as delay } from 'node:timers/promises'
import { ada, operator, type TestService } from '../support/service.js'

/** Their tokens. Those that are live do not rotate, so that they can be used again and again. */
export interface Users {
  /** `ada`'s, without roles and scopes. */
  fixed: string
  jwt: string
  /** `ada`'s, with the scope `reports`. */
  reporter: string
  /** Of `root`, who has the role `admin`. */
  admin: string
  expired: string
  revoked: string
  suspended: string
}

export async function openUsers({ app, accounts, addAccount, signIn }: TestService): Promise<Users> {
  const password = 'a long way to the root'
  await addAccount(ada)
  await addAccount({ uid: 'root', provider: 'email', password, roles: ['admin'] })
  await addAccount({ uid: 'eve', provider: 'email' })
  const { headers } = await signIn('root', password)

  async function open(uid: string, payload: object): Promise<string> {
    const url = `/accounts/${encodeURIComponent(uid)}/sessions`
    const answer = await app.inject({ method: 'POST', url, headers, payload })
    if (answer.statusCode !== 201) throw new Error(answer.body)
    return answer.json().token
  }
  async function isLive(token: string): Promise<boolean> {
    const answer = await app.inject({ url: '/gateway/nginx', headers: { authorization: `Bearer ${token}` } })
    return answer.statusCode === 200
  }

  const users = {
    fixed: await open(ada.uid, { kind: 'fixed' }),
    jwt: await open(ada.uid, { kind: 'jwt', description: 'lives', life: '1 hour' }),
    reporter: await open(ada.uid, { kind: 'fixed', scopes: ['reports'] }),
    admin: await open('root', { kind: 'fixed' }),
    expired: await open(ada.uid, { kind: 'jwt', description: 'expires', life: '1 second' }),
    revoked: await open(ada.uid, { kind: 'fixed' }),
    suspended: await open('eve', { kind: 'fixed' }),
  }
  const authorization = `Bearer ${users.revoked}`
  await app.inject({
    method: 'DELETE',
    url: '/token',
    headers: { authorization },
    query: { id: users.revoked },
  })
  await accounts.suspend('eve', operator)
  while (await isLive(users.expired)) await delay(50)
  return users
}
