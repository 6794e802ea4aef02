import { createRequire } from 'node:module'
import t from 'tap'
import { inCheckout } from '../support/checkout.js'
import { everyday } from './everyday.js'
import type { Credentials } from './page.js'
import { rotation } from './rotation.js'
import { storms } from './storms.js'
import { createWorld, ok } from './world.js'

const world = await createWorld(t, { script: 'redux-auth.cjs' })
everyday(world)
rotation(world)
storms(world, { tellsOrder: false })

/** What of the library runs where pages are rendered, outside any browser. */
interface ReduxAuth {
  configure(endpoint: object, settings: object): (dispatch: (action: Rendered) => void) => Promise<unknown>
}
interface Rendered {
  type: string
  headers?: Credentials
  user?: object
}

world.scenario(
  'is rendered on a server, which validates with `unbatch` and passes the token on',
  async (t) => {
    const { page, close, open, browser, email, things, network } = await world.signedIn(t)
    t.match(await page.load(things), ok)
    const held = page.held()
    close()

    const { configure } = createRequire(inCheckout('test/clients/'))('redux-auth') as ReduxAuth
    const actions: Rendered[] = []
    const cookies = `authHeaders=${encodeURIComponent(JSON.stringify(held))}`
    const settings = { isServer: true, cookies, currentLocation: 'http://app.example/' }
    await configure({ apiUrl: network.url }, settings)((action) => actions.push(action))
    const rendered = actions.find(({ type }) => type === 'SS_AUTH_TOKEN_UPDATE')
    t.match(rendered?.user, { uid: email })
    t.not(rendered?.headers?.['access-token'], held?.['access-token'], 'replaced though it was fresh')

    const { page: hydrated } = await open(browser, { initialCredentials: rendered })
    t.match(await hydrated.resume(), { ...ok, data: { uid: email } })
    t.same(hydrated.held()?.['access-token'], rendered?.headers?.['access-token'])
    t.match(await hydrated.load(things), ok)
  },
)
