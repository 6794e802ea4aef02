/** What every user does with an application: sign in and out, reload it, change what is theirs. */
import { setTimeout as wait } from 'node:timers/promises'
import { ok, password, refused, rotateAfterMs, type World } from './world.js'

export function everyday({ scenario, newUser, signedIn }: World): void {
  scenario('signs in, loads a protected resource, signs out', async (t) => {
    const { page, things, present, email } = await signedIn(t)
    t.equal(page.held()?.uid, email)
    t.match(await page.load(things), { ...ok, data: { secret: true } })
    const held = page.held()
    t.match(await page.signOut(), ok)
    t.equal(page.held(), undefined)
    t.equal(await present(held), 401, 'the token that was left is dead')
    t.match(await page.load(things), refused)
  })

  scenario('is refused with a wrong password, and holds nothing then', async (t) => {
    const { open, email, things } = await newUser(t)
    const { page } = await open()
    t.match(await page.signIn(email, 'wrong'), refused)
    t.equal(page.held(), undefined)
    t.match(await page.load(things), refused)
  })

  scenario('signs up where that is open', async (t) => {
    const { open, things, anotherDevice } = await newUser(t)
    const { page } = await open()
    const email = 'new@example.com'
    t.match(await page.signUp(email, password), ok)
    t.equal(page.held()?.uid, email)
    t.match(await page.load(things), ok)
    const { page: other } = await open(anotherDevice())
    t.match(await other.signUp(email, password), refused, 'the name is taken')
  })

  scenario('goes on after a reload', async (t) => {
    const { page, close, open, things } = await signedIn(t)
    t.match(await page.load(things), ok)
    close()
    await wait(rotateAfterMs)
    for (let reloads = 0; reloads < 3; reloads++) {
      const reloaded = await open()
      t.match(await reloaded.page.resume(), ok)
      t.match(await reloaded.page.load(things), ok)
      reloaded.close()
    }
  })

  scenario('changes the password: this session goes on, another device does not', async (t) => {
    const { page, open, email, things, anotherDevice } = await signedIn(t)
    const { page: phone } = await open(anotherDevice())
    t.match(await phone.signIn(email, password), ok)
    t.match(await phone.load(things), ok)
    t.match(await page.changePassword('wrong', 'another good password'), refused)
    t.match(await page.changePassword(password, 'another good password'), ok)
    t.match(await page.load(things), ok)
    t.match(await phone.load(things), refused)
    t.match(await phone.signIn(email, password), refused, 'the old password')
    // Some clients keep of two tokens the one with the later expiry, which the phone's first rotation has moved on by a second.
    await wait(1_100)
    t.match(await phone.signIn(email, 'another good password'), ok)
    t.match(await phone.load(things), ok)
  })

  scenario('updates the account', async (t) => {
    const { page, things } = await signedIn(t)
    t.match(await page.updateAccount({ nickname: 'Ada' }), { ...ok, data: { data: { nickname: 'Ada' } } })
    t.match(await page.load(things), ok)
  })

  scenario('deletes the account', async (t) => {
    const { page, things, present, email } = await signedIn(t)
    const held = page.held()
    t.match(await page.deleteAccount(), ok)
    t.equal(await present(held), 401)
    t.match(await page.load(things), refused)
    t.match(await page.signIn(email, password), refused)
  })
}
