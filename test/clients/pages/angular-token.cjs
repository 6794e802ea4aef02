/** An application with angular-token: Angular 7, credentials in local storage. Wired by hand, without Angular's compiler. */
const { HttpClient, HttpXhrBackend } = require('@angular/common/http')
const { AngularTokenService, ɵb: AngularTokenInterceptor } = require('angular-token')

module.exports = ({ apiUrl }) => {
  const backend = new HttpXhrBackend({ build: () => new XMLHttpRequest() })
  let interceptor
  const http = new HttpClient({ handle: (request) => interceptor.intercept(request, backend) })
  const auth = new AngularTokenService(http, { apiBase: apiUrl }, 'browser', null, null)
  interceptor = new AngularTokenInterceptor(auth)

  const settle = (observable) =>
    observable.toPromise().then(
      (answer) => ({ outcome: 'ok', data: answer?.body ?? answer }),
      (error) => ({ outcome: error.status > 0 ? 'refused' : 'lost', data: error.error }),
    )

  return {
    held() {
      auth.getAuthDataFromStorage()
      const { accessToken, client, expiry, tokenType, uid } = auth.currentAuthData ?? {}
      return accessToken && { 'access-token': accessToken, client, expiry, 'token-type': tokenType, uid }
    },
    load: (url) => settle(http.get(url)),
    signUp: (login, password) =>
      settle(auth.registerAccount({ login, password, passwordConfirmation: password })),
    signIn: (login, password) => settle(auth.signIn({ login, password })),
    resume: () => settle(auth.validateToken()),
    validate: () => settle(auth.validateToken()),
    updateAccount: (attributes) => settle(http.put(`${apiUrl}/auth`, attributes)),
    changePassword: (passwordCurrent, password) =>
      settle(auth.updatePassword({ passwordCurrent, password, passwordConfirmation: password })),
    signOut: () => settle(auth.signOut()),
    deleteAccount: () => settle(auth.deleteAccount()),
  }
}
