/** An application with redux-auth, its browser side: React's stores without React, credentials in a cookie. */
const {
  configure,
  emailSignIn,
  emailSignUp,
  signOut,
  updatePassword,
  destroyAccount,
  fetch,
} = require('redux-auth')

module.exports = ({ apiUrl, initialCredentials }) => {
  const errors = []
  const dispatch = (action) => {
    if (typeof action === 'function') return action(dispatch)
    if (action.errors) errors.push(action.errors)
    return action
  }
  // `clientOnly`: without it the library signs out a page that no server has rendered.
  const resumed = dispatch(configure({ apiUrl }, { clientOnly: true, initialCredentials }))

  const requested = (url, options) =>
    fetch(url, options).then(
      async (response) => ({ outcome: response.ok ? 'ok' : 'refused', data: await response.json() }),
      () => ({ outcome: 'lost' }),
    )
  /** The library's actions resolve in any case; what went wrong is only dispatched. */
  const acted = async (action) => {
    await resumed
    errors.length = 0
    const data = await Promise.resolve(dispatch(action)).catch(() => undefined)
    if (errors.length === 0) return { outcome: 'ok', data }
    return { outcome: errors[0] instanceof TypeError ? 'lost' : 'refused', data: errors[0] }
  }

  return {
    held: () =>
      JSON.parse(decodeURIComponent(/authHeaders=([^;]*)/.exec(document.cookie)?.[1] ?? 'null')) ?? undefined,
    load: (url) => requested(url),
    signUp: (email, password) =>
      acted(emailSignUp({ email, password, password_confirmation: password }, 'default')),
    signIn: (email, password) => acted(emailSignIn({ email, password }, 'default')),
    resume: () => resumed.then((user) => ({ outcome: user.reason ? 'refused' : 'ok', data: user })),
    validate: () => requested(`${apiUrl}/auth/validate_token`),
    updateAccount: (attributes) =>
      requested(`${apiUrl}/auth`, {
        method: 'put',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(attributes),
      }),
    changePassword: (current, password) =>
      acted(
        updatePassword({ current_password: current, password, password_confirmation: password }, 'default'),
      ),
    signOut: () => acted(signOut('default')),
    deleteAccount: () => acted(destroyAccount('default')),
  }
}
