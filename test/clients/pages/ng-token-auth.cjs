/** An application with ng-token-auth: AngularJS, credentials in a cookie. */
const angular = require('angular')
require('angular-cookie')
require('ng-token-auth')

module.exports = ({ apiUrl }) => {
  angular.module('app', ['ng-token-auth']).config(['$authProvider', (auth) => auth.configure({ apiUrl })])
  const services = angular.bootstrap(document.documentElement, ['app'])
  const auth = services.get('$auth')
  const http = services.get('$http')
  /** The library validates on load; asked again meanwhile, it returns the same promise. */
  const resumed = told(auth.validateUser())

  const answered = (response) => ({ outcome: 'ok', data: response.data })
  const failed = (response) => ({ outcome: response.status > 0 ? 'refused' : 'lost', data: response.data })

  return {
    held: () => auth.retrieveData('auth_headers'),
    load: (url) => http.get(url).then(answered, failed),
    signUp: (email, password) =>
      auth.submitRegistration({ email, password, password_confirmation: password }).then(answered, failed),
    async signIn(email, password) {
      await resumed
      return told(auth.submitLogin({ email, password }))
    },
    resume: () => resumed,
    validate: () => http.get(`${apiUrl}/auth/validate_token`).then(answered, failed),
    updateAccount: (attributes) => auth.updateAccount(attributes).then(answered, failed),
    changePassword: (current, password) =>
      auth
        .updatePassword({ current_password: current, password, password_confirmation: password })
        .then(answered, failed),
    signOut: () => auth.signOut().then(answered, failed),
    deleteAccount: () => auth.destroyAccount().then(answered, failed),
  }
}

/**
 * What the library tells of a validation or a sign-in: not the response. It forgets the promise a moment after it has
 * settled it, and with it one that was made meanwhile; people do not click that fast.
 */
async function told(promise) {
  const outcome = await promise.then(
    (user) => ({ outcome: 'ok', data: { ...user } }),
    (data) => ({ outcome: 'refused', data }),
  )
  await new Promise((resolve) => setTimeout(resolve, 5))
  return outcome
}
