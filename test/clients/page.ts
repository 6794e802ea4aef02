/** What every page in `pages/` lets a test do: the same, by the means of another client library each. */
export interface Page {
  /** What the client would send with its next request; undefined when it is signed out. */
  held(): Credentials | undefined
  /** What the page's own validation on load came to. */
  resume(): Promise<Outcome>
  signUp(email: string, password: string): Promise<Outcome>
  signIn(email: string, password: string): Promise<Outcome>
  /** Gets a protected resource as the application's own requests do. */
  load(url: string): Promise<Outcome>
  validate(): Promise<Outcome>
  updateAccount(attributes: Record<string, string>): Promise<Outcome>
  changePassword(current: string, password: string): Promise<Outcome>
  signOut(): Promise<Outcome>
  deleteAccount(): Promise<Outcome>
}

export type Credentials = Readonly<Record<'access-token' | 'client' | 'uid', string>> & { expiry?: string }

/** `refused`: answered, but not with success; `lost`: no answer. */
export interface Outcome {
  outcome: 'ok' | 'refused' | 'lost'
  data?: unknown
}
