/** Removes all that is kept of tasks: their own keys at once, their places in the indexes once a call. */
export const FORGETTING = `
local places, known = {}, {}

local function forgetPlace(key, id)
  local ids = places[key]
  if not ids then
    ids = {}
    places[key] = ids
  end
  ids[#ids + 1] = id
end

-- Tasks of one kind share this text, so it is read once.
local function definitionOf(task)
  local definition = known[task]
  if definition == nil then
    local ok, decoded = pcall(cjson.decode, task)
    definition = ok and type(decoded) == 'table' and decoded or false
    known[task] = definition
  end
  return definition
end

local function forget(id, task)
  redis.call('UNLINK', P .. 'task:' .. id, P .. 'errors:' .. id)
  forgetPlace('index', id)
  local definition = task and definitionOf(task)
  if not definition then return end
  forgetPlace('name:' .. definition.name, id)
  forgetPlace('group:' .. definition.group, id)
  if definition.parentId then forgetPlace('parent:' .. definition.parentId, id) end
end

local function flushForgotten()
  for key, ids in pairs(places) do redis.call('ZREM', P .. key, unpack(ids)) end
end
`
