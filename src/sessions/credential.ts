/** What a request may present, whatever the wire format it came in. Dialects read it; `authenticate.ts` judges it. */
export type Credential =
  | { kind: 'none' }
  /** Several credentials that do not carry the same token, or one that is there twice: nobody may choose between them. */
  | { kind: 'conflict' }
  /** A countersigned token; `handle` and `uid` are what the client claims beside it, and must agree when given. */
  | { kind: 'token'; token: string; handle?: string | undefined; uid?: string | undefined }
  | { kind: 'jwt'; jwt: string }
  | { kind: 'password'; login: string; password: string }
