/** Reads from a queue's stream through its group, which is made where it is missing: at 0, so that nothing sent before is skipped. */
export const GROUPS = `
local function createGroup(stream)
  local made = redis.pcall('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
  if type(made) == 'table' and made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then error(made.err) end
end

local function readGroup(stream, consumer, count, from)
  local reply = redis.pcall('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', count, 'STREAMS', stream, from)
  if reply and reply.err then
    if not string.find(reply.err, 'NOGROUP', 1, true) then error(reply.err) end
    createGroup(stream)
    reply = redis.call('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', count, 'STREAMS', stream, from)
  end
  return reply and reply[1] and reply[1][2] or {}
end
`
