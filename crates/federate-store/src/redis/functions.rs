//! What runs on the server as one step. None of it knows what a session is: it compares what
//! is there with what the caller has read, and the rules stay in Rust.
//!
//! A row begins with the eight octets of the write that made it. Whoever changes a row names
//! the write that he read, so nothing is overwritten unseen, not even by a server that lost
//! a few writes when it took over. A row with the caller's own write is his: a command that a
//! cluster connection sent twice has happened once.

use redis::Script;

/// All functions.
pub(crate) struct Functions {
    /// Puts a row in the place of the one that was read.
    ///
    /// Key: the row. Arguments: the write that was read, or nothing if there must be no row;
    /// the new row; its time to live in ms, or nothing to keep what is left of it.
    /// Gives 1, or 0 when another was first.
    pub(crate) swap: Script,
    /// The same when the server's memory is full: to end something must always be possible.
    pub(crate) swap_always: Script,
    /// Removes a key if its value begins so. Argument: the beginning. Gives 1 or 0.
    pub(crate) release: Script,
    /// Puts a member into an index that lives as long as its longest member.
    ///
    /// Keys: the index; the revocation beside it, or none. Arguments: the member; its time to
    /// live in ms. Gives the revocation, which from then on outlives the member.
    pub(crate) register: Script,
    /// Stores a one-time value over nothing, or over an expired one.
    ///
    /// Key: the row. Arguments: the row; its time to live in ms; now as seconds and
    /// nanoseconds. Gives 1, 0 when there is one, or -1 when what is there is no row.
    pub(crate) put_new: Script,
    /// Takes a one-time value that has not expired.
    ///
    /// Key: the row. Arguments: now as seconds and nanoseconds. Gives the row, nothing, or -1
    /// when what is there is no row.
    pub(crate) consume: Script,
    /// Takes a request and stores a replay entry, or does neither.
    ///
    /// Keys: the replay entry; the request, if there is one. Arguments: as of `put_new`, for
    /// the replay entry. Gives the code of `put_new`, or 2 for an unknown request, and the
    /// request.
    pub(crate) redeem: Script,
    /// Puts a logout in the place of the one that was read, with its place in the order of
    /// what is due.
    ///
    /// Keys: the row; the index. Arguments: as of `swap`; the member; its score or nothing.
    /// Gives 1, or 0 when another was first.
    pub(crate) schedule: Script,
    /// The same when the server's memory is full.
    pub(crate) schedule_always: Script,
    /// Takes a logout out of the order, if its row is gone or is the one that was read.
    ///
    /// Keys: the row; the index. Arguments: the write that was read, or nothing; the member.
    pub(crate) forget: Script,
}

impl Functions {
    pub(crate) fn new() -> Self {
        let script = |code: &[&str]| Script::new(&code.concat());
        Self {
            swap: script(&[SWAP, "return 1"]),
            swap_always: script(&[ALWAYS, SWAP, "return 1"]),
            release: script(&[RELEASE]),
            register: script(&[EXTEND, REGISTER]),
            put_new: script(&[PRESENT, ABSENT, PUT_NEW]),
            consume: script(&[PRESENT, CONSUME]),
            redeem: script(&[PRESENT, ABSENT, REDEEM]),
            schedule: script(&[EXTEND, SWAP, SCHEDULE]),
            schedule_always: script(&[ALWAYS, EXTEND, SWAP, SCHEDULE]),
            forget: script(&[FORGET]),
        }
    }
}

/// Stands first in a function that may exceed the server's memory, by a few octets.
const ALWAYS: &str = "#!lua flags=allow-oom";

/// Swaps `KEYS[1]`, or returns.
const SWAP: &str = r"
local row = redis.call('GET', KEYS[1])
if row then
  local write = string.sub(row, 1, 8)
  if write ~= string.sub(ARGV[2], 1, 8) and (ARGV[1] == '' or write ~= ARGV[1]) then
    return 0
  end
elseif ARGV[1] ~= '' then
  return 0
end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
";

const RELEASE: &str = r"
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, string.len(ARGV[1])) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
";

/// Lets a key live at least so long.
const EXTEND: &str = r"
local function extend(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then
    redis.call('PEXPIRE', key, ttl)
  end
end
";

// The scores are by the server's clock, as the times to live are.
const REGISTER: &str = r"
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now + math.ceil(ARGV[2] / 1000), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
extend(KEYS[1], ARGV[2])
if not KEYS[2] then
  return false
end
local revocation = redis.call('GET', KEYS[2])
if revocation then
  extend(KEYS[2], ARGV[2])
end
return revocation
";

/// Looks for a one-time value that has not expired: gives its row, false, or nil if what is
/// there is no row. The last two arguments are now.
const PRESENT: &str = r"
local function present(key)
  local row = redis.call('GET', key)
  if not row then
    return false
  end
  if string.len(row) < 20 then
    return nil
  end
  local second, nano = struct.unpack('>i8I4', row, 9)
  local now, part = tonumber(ARGV[#ARGV - 1]), tonumber(ARGV[#ARGV])
  if second > now or (second == now and nano > part) then
    return row
  end
  return false
end
";

/// Goes on if there is no value at `KEYS[1]`.
const ABSENT: &str = r"
local before = present(KEYS[1])
if before == nil then
  return -1
end
if before and string.sub(before, 1, 8) == string.sub(ARGV[1], 1, 8) then
  return 1
end
if before then
  return 0
end
";

const PUT_NEW: &str = r"
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
";

const CONSUME: &str = r"
local row = present(KEYS[1])
if row == nil then
  return -1
end
if row then
  redis.call('DEL', KEYS[1])
end
return row
";

// The request goes first: a server without room for more finds the room of the request.
const REDEEM: &str = r"
local request = ''
if KEYS[2] then
  request = present(KEYS[2])
  if request == nil then
    return -1
  end
  if not request then
    return 2
  end
  redis.call('DEL', KEYS[2])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, request}
";

const SCHEDULE: &str = r"
if ARGV[5] == '' then
  redis.call('ZREM', KEYS[2], ARGV[4])
else
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
  extend(KEYS[2], redis.call('PTTL', KEYS[1]))
end
return 1
";

const FORGET: &str = r"
local row = redis.call('GET', KEYS[1])
if not row or string.sub(row, 1, 8) == ARGV[1] then
  return redis.call('ZREM', KEYS[2], ARGV[2])
end
return 0
";
