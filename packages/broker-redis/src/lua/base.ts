/** What every script begins with: the prefix of its keys and the server's clock, in milliseconds, as a text: formatting numbers is dear. */
export const BASE = `
local P = KEYS[1]

local function clockText()
  local time = redis.call('TIME')
  return time[1] .. string.sub('00000' .. time[2], -6, -4)
end

local function clock()
  return tonumber(clockText())
end
`
