/** An application with redux-token-auth: axios, credentials in local storage and, a copy of them, in every page. */
const axios = require('axios')
const { generateAuthActions } = require('redux-token-auth')

module.exports = ({ apiUrl }) => {
  const actions = generateAuthActions({
    authUrl: `${apiUrl}/auth`,
    userAttributes: { email: 'email' },
    userRegistrationAttributes: {},
  })
  let last
  const dispatch = (action) => {
    if (typeof action === 'function') return action(dispatch)
    last = action
    return action
  }

  const failed = (error) => ({ outcome: error.response ? 'refused' : 'lost', data: error.response?.data })
  const acted = (action) =>
    Promise.resolve(dispatch(action)).then(
      () => ({ outcome: /SUCCEEDED$/.test(last.type) ? 'ok' : 'refused', data: last.payload }),
      failed,
    )
  const requested = (config) => axios(config).then(({ data }) => ({ outcome: 'ok', data }), failed)
  const credentials = () =>
    Object.fromEntries(['access-token', 'client', 'uid'].map((name) => [name, localStorage.getItem(name)]))

  return {
    held: () => (localStorage.getItem('access-token') ? credentials() : undefined),
    load: (url) => requested({ url }),
    signUp: (email, password) =>
      acted(actions.registerUser({ email, password, passwordConfirmation: password })),
    signIn: (email, password) => acted(actions.signInUser({ email, password })),
    resume: () => acted(actions.verifyToken(credentials())),
    validate: () => acted(actions.verifyToken(credentials())),
    updateAccount: (attributes) => requested({ method: 'put', url: `${apiUrl}/auth`, data: attributes }),
    changePassword: (current, password) =>
      requested({
        method: 'put',
        url: `${apiUrl}/auth/password`,
        data: { current_password: current, password, password_confirmation: password },
      }),
    signOut: () => acted(actions.signOutUser()),
    deleteAccount: () => requested({ method: 'delete', url: `${apiUrl}/auth` }),
  }
}
