/** RFC 8414 metadata: what this server can do. It issues no tokens by OAuth grants, and says so. */
import type { Static } from '../../typebox.js'
import type { Metadata } from './schemas.js'

const WELL_KNOWN = '/.well-known/oauth-authorization-server'

/** @returns where clients look for it: an issuer's path follows the well-known one (section 3.1) */
export function metadataPaths(issuer: string): string[] {
  const path = new URL(issuer).pathname.replace(/\/$/, '')
  return path === '' ? [WELL_KNOWN] : [WELL_KNOWN, WELL_KNOWN + path]
}

/** @param issuer the configured URL, repeated exactly (section 3.3) */
export function metadataOf(issuer: string): Static<typeof Metadata> {
  const base = issuer.replace(/\/$/, '')
  const methods = ['client_secret_basic', 'client_secret_post']
  return {
    issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    introspection_endpoint: `${base}/oauth2/introspect`,
    // Names of access token types stand here too, but not below (section 2).
    introspection_endpoint_auth_methods_supported: [...methods, 'Bearer'],
    revocation_endpoint: `${base}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: methods,
    response_types_supported: [],
    grant_types_supported: [],
    service_documentation: `${base}/docs`,
  }
}
