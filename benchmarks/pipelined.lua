-- wrk: eight requests in one write.
local eight = {}
function init(args)
  for index = 1, 8 do eight[index] = wrk.format("GET", "/") end
  eight = table.concat(eight)
end
function request() return eight end
