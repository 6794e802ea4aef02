/** RFC 8414 metadata: what this server can do. It issues no tokens by OAuth grants, and says so. */

/** @param issuer the configured URL, repeated exactly (section 3.3) */
export function metadataOf(issuer: string) {
  const base = issuer.replace(/\/$/, '')
  const methods = ['client_secret_basic', 'client_secret_post']
  return {
    issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    introspection_endpoint: `${base}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: methods,
    revocation_endpoint: `${base}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: methods,
    response_types_supported: [],
    grant_types_supported: [],
    service_documentation: `${base}/docs`,
  }
}
