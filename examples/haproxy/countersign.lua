-- Asks Countersign about a request, and keeps its answer in variables for haproxy.cfg to act on.

-- A frontend of HAProxy itself, in haproxy.cfg: Lua's own client tries four times and has no timeout to connect.
local ADDRESS = "http://127.0.0.1:7170"

-- All that Countersign is told: what the client sent under other names cannot mean anything.
local SENT = { "authorization", "access-token", "client", "uid", "user-agent" }

-- The answer's headers that haproxy.cfg hands on; a variable that is not set was not sent.
local KEPT = {
  "x-auth-subject", "x-auth-session", "x-auth-kind", "x-auth-roles", "x-auth-scopes", "x-auth-country",
  "x-auth-expires", "access-token", "token-type", "client", "expiry", "uid", "www-authenticate", "retry-after",
}

core.register_action("countersign", { "http-req" }, function(txn)
  -- The client's method and address are HAProxy's to say, and what is required is haproxy.cfg's: no query, no body.
  local headers = { ["x-original-method"] = { txn.f:method() }, ["x-forwarded-for"] = { txn.f:src() } }
  local given = txn.http:req_get_headers()
  -- Doubled ones as well: Countersign refuses those, as long as it sees that they are.
  for _, name in ipairs(SENT) do headers[name] = given[name] end

  local url = ADDRESS .. "/gateway/haproxy/" .. txn:get_var("txn.requires")
  local answer = core.httpclient():get({ url = url, headers = headers })
  -- No status is no: haproxy.cfg lets nothing pass but 200.
  if not answer then return end

  for _, name in ipairs(KEPT) do
    local values = answer.headers and answer.headers[name]
    if values then txn:set_var("txn.auth_" .. name:gsub("-", "_"), values[0]) end
  end
  txn:set_var("txn.auth_status", answer.status)
end)
