/**
 * redux-token-auth keeps a copy of its token in every page, takes a new one only from its own sign-in and validation, and
 * takes whatever these answers carry, nothing included. So what rotates must be left to them, and a browser's other tabs
 * must be reloaded: that is how it is tried here.
 */
import t from 'tap'
import { everyday } from './everyday.js'
import { createWorld, ok, password, refused } from './world.js'

const world = await createWorld(t, { script: 'redux-token-auth.cjs', resource: 'verifying' })
everyday(world)

world.scenario('validates with every page, however fast they follow each other', async (t) => {
  const { page, close, open, things } = await world.signedIn(t, 'slow')
  t.match(await page.load(things), ok)
  close()
  for (let pages = 0; pages < 5; pages++) {
    const next = await open()
    t.match(await next.page.resume(), ok)
    t.match(await next.page.load(things), ok)
    next.close()
  }
})

world.scenario('has to sign in again when the answer of a validation was lost', async (t) => {
  const { close, open, things, network, email } = await world.signedIn(t)
  close()
  network.weather = { delivers: () => false }
  const lost = await open()
  t.match(await lost.page.resume(), { outcome: 'refused' })
  lost.close()
  network.weather = {}
  const { page } = await open()
  t.match(
    await page.load(things),
    refused,
    'the old token was accepted, and then overwritten with what the answer did not carry',
  )
  t.match(await page.signIn(email, password), ok)
  t.match(await page.load(things), ok)
})
