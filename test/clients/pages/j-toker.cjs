/** An application with j-toker: jQuery, forms instead of JSON, credentials in a cookie. */
const $ = require('jquery')
require('j-toker')

module.exports = ({ apiUrl }) => {
  const { auth } = $
  $.support.cors = true
  const resumed = auth.configure({ apiUrl })

  const settle = (promise) =>
    new Promise((resolve) => {
      promise.then(
        (data) => resolve({ outcome: 'ok', data }),
        // The library keeps the status to itself; an answer of Countersign always says what is wrong.
        ({ data }) => resolve({ outcome: data?.errors ? 'refused' : 'lost', data }),
      )
    })
  const plain = (request) =>
    new Promise((resolve) => {
      request.then(
        (data) => resolve({ outcome: 'ok', data }),
        (xhr) => resolve({ outcome: xhr.status > 0 ? 'refused' : 'lost', data: xhr.responseJSON }),
      )
    })

  return {
    held: () => auth.retrieveData('authHeaders') || undefined,
    load: (url) => plain($.ajax({ url })),
    signUp: (email, password) =>
      settle(auth.emailSignUp({ email, password, password_confirmation: password })),
    signIn: (email, password) => settle(auth.emailSignIn({ email, password })),
    resume: () => settle(resumed),
    validate: () => plain($.ajax({ url: `${apiUrl}/auth/validate_token` })),
    updateAccount: (attributes) => settle(auth.updateAccount(attributes)),
    changePassword: (current, password) =>
      settle(auth.updatePassword({ current_password: current, password, password_confirmation: password })),
    signOut: () => settle(auth.signOut()),
    deleteAccount: () => settle(auth.destroyAccount()),
  }
}
