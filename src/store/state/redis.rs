//! The state of several nodes, in Redis. It may be away at any time: a call then fails within `limits::STATE_TIMEOUT`,
//! and works again once Redis is back; nothing is retried here.
//!
//! ```text
//! {prefix}lease:{slot}   sorted set of holders, score = when the lease ends by Redis' own clock, in milliseconds
//! {prefix}crowd:{name}   sorted set of members, score = until when they are there, likewise
//! {prefix}count:{key}    events in the present window; expires with it
//! {prefix}changes        the channel that announcements are published on
//! ```
//!
//! Each script touches one key, so it runs on a cluster as well.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, RedisResult, Script};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::store::state::{Lease, Rate, SlotKey, State};

/// KEYS: the slot. ARGV: the holder, the limit, the ttl. Drops what has ended, then counts, then adds or renews.
const HOLD: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
local ttl = tonumber(ARGV[3])
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttl then
    redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1
";

/// KEYS: the crowd. ARGV: the member, the ttl, how many it takes.
const ENTER: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
    return 0
end
local ttl = tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttl then
    redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1
";

/// KEYS: the counter. ARGV: the window. Gives the number of events and how long the window still runs.
const COUNT: &str = "
local events = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    left = tonumber(ARGV[1])
end
return {events, left}
";

/// State that nodes share through Redis.
pub struct RedisState {
    connection: ConnectionManager,
    prefix: String,
    hold: Script,
    count: Script,
    enter: Script,
    changes: broadcast::Sender<()>,
    subscriber: JoinHandle<()>,
}

impl RedisState {
    /// Does not wait for Redis, which may be down: only a URL that makes no sense is an error (`Config`).
    /// Every key begins with `prefix`. Needs a Tokio runtime.
    pub fn connect(url: &str, prefix: &str) -> Result<RedisState> {
        let client = Client::open(url).map_err(bad_url)?;
        // One attempt a call: a caller knows what to do without Redis, and sooner is better than later.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(limits::STATE_TIMEOUT))
            .set_response_timeout(Some(limits::STATE_TIMEOUT));
        let connection = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(bad_url)?;
        let changes = broadcast::Sender::new(limits::STATE_HINTS_QUEUED_MAX);
        let subscriber = tokio::spawn(follow(client, channel(prefix), changes.clone()));
        Ok(RedisState {
            connection,
            prefix: prefix.to_owned(),
            hold: Script::new(HOLD),
            count: Script::new(COUNT),
            enter: Script::new(ENTER),
            changes,
            subscriber,
        })
    }

    fn crowd_key(&self, crowd: &str) -> String {
        format!("{}crowd:{crowd}", self.prefix)
    }

    /// How many members of each set have not ended.
    async fn counted(&self, keys: Vec<String>) -> Result<Vec<u64>> {
        let mut connection = self.connection.clone();
        let (seconds, micros): (u64, u64) = within_timeout(redis::cmd("TIME").query_async(&mut connection)).await?;
        let now_ms = seconds * 1000 + micros / 1000;
        let mut counts = redis::pipe();
        for key in keys {
            counts.cmd("ZCOUNT").arg(key).arg(format!("({now_ms}")).arg("+inf");
        }
        within_timeout(counts.query_async(&mut connection)).await
    }

    fn lease_key(&self, slot: &SlotKey) -> String {
        format!("{}lease:{slot}", self.prefix)
    }
}

impl Drop for RedisState {
    fn drop(&mut self) {
        self.subscriber.abort();
    }
}

#[async_trait]
impl State for RedisState {
    async fn hold_lease(&self, slot: &SlotKey, holder: &str, limit: u32, ttl: Duration) -> Result<Lease> {
        let mut connection = self.connection.clone();
        let mut hold = self.hold.key(self.lease_key(slot));
        hold.arg(holder).arg(limit).arg(ttl.as_millis() as u64);
        let held: i64 = within_timeout(hold.invoke_async(&mut connection)).await?;
        Ok(if held == 1 { Lease::Held } else { Lease::Full })
    }

    async fn leases(&self, slot: &SlotKey) -> Result<u64> {
        Ok(self.counted(vec![self.lease_key(slot)]).await?.into_iter().sum())
    }

    async fn release_lease(&self, slot: &SlotKey, holder: &str) -> Result<()> {
        let mut connection = self.connection.clone();
        let mut release = redis::cmd("ZREM");
        release.arg(self.lease_key(slot)).arg(holder);
        within_timeout(release.exec_async(&mut connection)).await
    }

    async fn enter_crowd(&self, crowd: &str, member: &str, ttl: Duration) -> Result<()> {
        let mut connection = self.connection.clone();
        let mut enter = self.enter.key(self.crowd_key(crowd));
        enter.arg(member).arg(ttl.as_millis() as u64).arg(limits::CROWD_MEMBERS_MAX);
        within_timeout(enter.invoke_async::<i64>(&mut connection)).await.map(|_| ())
    }

    async fn leave_crowd(&self, crowd: &str, member: &str) -> Result<()> {
        let mut connection = self.connection.clone();
        let mut leave = redis::cmd("ZREM");
        leave.arg(self.crowd_key(crowd)).arg(member);
        within_timeout(leave.exec_async(&mut connection)).await
    }

    async fn crowds(&self, crowds: &[String]) -> Result<Vec<u64>> {
        if crowds.is_empty() {
            return Ok(Vec::new());
        }
        self.counted(crowds.iter().map(|crowd| self.crowd_key(crowd)).collect()).await
    }

    async fn announce_change(&self) -> Result<()> {
        let mut connection = self.connection.clone();
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(channel(&self.prefix)).arg("");
        within_timeout(publish.exec_async(&mut connection)).await
    }

    fn changes(&self) -> broadcast::Receiver<()> {
        self.changes.subscribe()
    }

    async fn count(&self, key: &str, limit: u32, window: Duration) -> Result<Rate> {
        let mut connection = self.connection.clone();
        let mut count = self.count.key(format!("{}count:{key}", self.prefix));
        count.arg(window.as_millis() as u64);
        let (events, left_ms): (u64, u64) = within_timeout(count.invoke_async(&mut connection)).await?;
        if events <= u64::from(limit) {
            return Ok(Rate::Within);
        }
        Ok(Rate::Over { retry_after: Duration::from_millis(left_ms) })
    }

    async fn ping(&self) -> Result<()> {
        let mut connection = self.connection.clone();
        within_timeout(redis::cmd("PING").exec_async(&mut connection)).await
    }
}

/// Hears announcements for as long as the state lives, and subscribes again whenever the connection is lost.
async fn follow(client: Client, channel: String, changes: broadcast::Sender<()>) {
    loop {
        if let Err(error) = follow_once(&client, &channel, &changes).await {
            tracing::debug!("announcements are not heard for now: {error}");
        }
        tokio::time::sleep(limits::STATE_TIMEOUT).await;
    }
}

async fn follow_once(client: &Client, channel: &str, changes: &broadcast::Sender<()>) -> RedisResult<()> {
    let connect = async {
        let mut announcements = client.get_async_pubsub().await?;
        announcements.subscribe(channel).await?;
        Ok::<_, RedisError>(announcements)
    };
    let mut announcements = timeout(limits::STATE_TIMEOUT, connect).await.map_err(std::io::Error::from)??;
    // Something may have been announced while nobody listened.
    let _ = changes.send(());
    let mut heard = announcements.on_message();
    while heard.next().await.is_some() {
        let _ = changes.send(());
    }
    Ok(())
}

fn channel(prefix: &str) -> String {
    format!("{prefix}changes")
}

async fn within_timeout<T>(call: impl Future<Output = RedisResult<T>>) -> Result<T> {
    match timeout(limits::STATE_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(|error| unavailable().with_source(error)),
        Err(elapsed) => Err(unavailable().with_source(elapsed)),
    }
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "STATE_UNAVAILABLE", "A part of the server does not answer; try again later.")
}

fn bad_url(error: RedisError) -> Error {
    Error::new(ErrorKind::Config, "REDIS_URL_INVALID", "The Redis URL must look like redis://host:6379/0.")
        .with_source(error)
}
