/** What every script begins with: the prefix of its keys and the server's clock. */
export const BASE = `
local P = KEYS[1]

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`
