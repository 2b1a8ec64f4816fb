//! What a connection is doing, and whether that is still within its bounds.
//!
//! The wrappers around the socket and around each request note what happens in a [`Watch`]; a [`Watchdog`] looks at it
//! once a tick and says whether the connection may go on. No clock is read: time is counted in ticks, so a bound is
//! kept to within one tick, and the hot path pays for a few relaxed stores.
//!
//! A connection is *slow* only while it owes something: bytes of a request body that a handler waits for, or room for
//! bytes of a response that are ready. An event stream with nothing to send owes nothing.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;

use crate::http::limits::Limits;
use crate::http::refusal::Refusal;

/// The notes of one connection.
#[derive(Default)]
pub struct Watch {
    /// Requests that reached the service, the one that stands for a refusal included.
    requests: AtomicU64,
    in_flight: AtomicU32,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    /// The head of a request has begun and is not complete.
    head_open: AtomicBool,
    /// Anything of the protocol has been understood: a whole head, or the preface of HTTP/2.
    greeted: AtomicBool,
    /// Request bodies that a handler waits for.
    bodies_awaited: AtomicU32,
    /// The socket took less than there was to write.
    write_blocked: AtomicBool,
    /// Pieces of HTTP/2 responses that were handed over and have not left.
    backlog: AtomicU32,
    /// The next response is the last.
    closing: AtomicBool,
    control_windows: AtomicU32,
    refusal: OnceLock<(u64, Refusal)>,
    /// Wakes the connection's driver to close it gracefully.
    pub(crate) last_request: Notify,
}

impl Watch {
    pub fn read(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    /// Notes the result of a write.
    pub fn wrote(&self, result: &Poll<io::Result<usize>>) {
        match result {
            Poll::Ready(Ok(bytes)) => {
                self.bytes_out.fetch_add(*bytes as u64, Relaxed);
                self.write_blocked.store(false, Relaxed);
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.write_blocked.store(true, Relaxed),
        }
    }

    pub fn flushed(&self, result: &Poll<io::Result<()>>) {
        self.write_blocked.store(result.is_pending(), Relaxed);
    }

    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Relaxed)
    }

    pub fn set_head_open(&self, open: bool) {
        self.head_open.store(open, Relaxed);
    }

    pub fn set_greeted(&self) {
        self.greeted.store(true, Relaxed);
    }

    /// Request `index`, counted from 0, is refused.
    pub fn refuse(&self, index: u64, refusal: Refusal) {
        // A gate refuses once and then reads nothing more.
        let _ = self.refusal.set((index, refusal));
    }

    pub fn refusal_of(&self, index: u64) -> Option<Refusal> {
        self.refusal.get().filter(|(refused, _)| *refused == index).map(|(_, refusal)| *refusal)
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    pub fn set_closing(&self) {
        self.closing.store(true, Relaxed);
    }

    /// Counts on whenever a new window of the control-frame budget begins.
    pub fn control_window(&self) -> u32 {
        self.control_windows.load(Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.in_flight.load(Relaxed) == 0 && !self.head_open.load(Relaxed) && !self.write_blocked.load(Relaxed)
    }

    fn owes_request_bytes(&self) -> bool {
        self.bodies_awaited.load(Relaxed) > 0
    }

    fn owes_room(&self) -> bool {
        self.write_blocked.load(Relaxed) || self.backlog.load(Relaxed) > 0
    }
}

/// Held from a request's beginning until its response has been handed over whole.
pub struct InFlight {
    watch: Arc<Watch>,
    /// Which request of the connection, counted from 0.
    pub index: u64,
}

impl InFlight {
    pub fn begin(watch: &Arc<Watch>) -> InFlight {
        watch.in_flight.fetch_add(1, Relaxed);
        InFlight { watch: watch.clone(), index: watch.requests.fetch_add(1, Relaxed) }
    }

    pub fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.watch.in_flight.fetch_sub(1, Relaxed);
    }
}

/// Held while a handler waits for bytes of a request body.
pub struct Awaiting(Arc<Watch>);

impl Awaiting {
    pub fn begin(watch: &Arc<Watch>) -> Awaiting {
        watch.bodies_awaited.fetch_add(1, Relaxed);
        Awaiting(watch.clone())
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        self.0.bodies_awaited.fetch_sub(1, Relaxed);
    }
}

/// A piece of an HTTP/2 response that the connection has and the client does not: it is dropped when its last byte was
/// written, or when its stream was reset.
pub struct Backlogged {
    bytes: bytes::Bytes,
    watch: Arc<Watch>,
}

impl Backlogged {
    pub fn wrap(bytes: bytes::Bytes, watch: &Arc<Watch>) -> bytes::Bytes {
        watch.backlog.fetch_add(1, Relaxed);
        bytes::Bytes::from_owner(Backlogged { bytes, watch: watch.clone() })
    }
}

impl AsRef<[u8]> for Backlogged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Backlogged {
    fn drop(&mut self) {
        self.watch.backlog.fetch_sub(1, Relaxed);
    }
}

/// What a look at the watch says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    GoOn,
    /// Nothing has happened for long: say goodbye.
    Idle,
    Cut(Cut),
}

/// Why a connection is dropped at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    HeadTimeout,
    SlowRequest,
    SlowResponse,
    /// It was asked to end and did not.
    Lingering,
}

/// Looks at one connection's watch every `tick`.
pub struct Watchdog {
    tick: Duration,
    head_timeout: Duration,
    idle_max: Duration,
    slow_grace: Duration,
    slow_bytes_min: u64,
    control_window: Duration,
    requests_seen: u64,
    head_for: Duration,
    idle_for: Duration,
    since_control_window: Duration,
    request: Slowness,
    response: Slowness,
}

/// How long one direction has owed bytes, and how many had moved when that began.
#[derive(Default)]
struct Slowness {
    owed_for: Duration,
    bytes_before: u64,
}

impl Slowness {
    /// One more tick; true when less than `bytes_min` moved in `grace`.
    fn is_too_slow(&mut self, owes: bool, bytes: u64, tick: Duration, grace: Duration, bytes_min: u64) -> bool {
        if !owes {
            *self = Slowness { owed_for: Duration::ZERO, bytes_before: bytes };
            return false;
        }
        self.owed_for += tick;
        if self.owed_for < grace {
            return false;
        }
        let moved = bytes - self.bytes_before;
        *self = Slowness { owed_for: Duration::ZERO, bytes_before: bytes };
        moved < bytes_min
    }
}

impl Watchdog {
    pub fn new(limits: &Limits) -> Watchdog {
        Watchdog {
            tick: limits.tick(),
            head_timeout: limits.head_timeout,
            idle_max: limits.keep_alive_idle_max,
            slow_grace: limits.slow_grace,
            slow_bytes_min: (limits.slow_bytes_per_s_min as f64 * limits.slow_grace.as_secs_f64()) as u64,
            control_window: limits.h2_control_window,
            requests_seen: 0,
            head_for: Duration::ZERO,
            idle_for: Duration::ZERO,
            since_control_window: Duration::ZERO,
            request: Slowness::default(),
            response: Slowness::default(),
        }
    }

    /// The server drains: a connection counts as idle once it was idle for `idle_max`, a silent one that never began included.
    pub fn drain(&mut self, idle_max: Duration) {
        self.tick = self.tick.min(idle_max / 2).max(Duration::from_millis(5));
        self.idle_max = self.idle_max.min(idle_max);
        self.idle_for = Duration::ZERO;
    }

    /// The connection was asked to end: idleness is counted anew.
    pub fn begin_end(&mut self) {
        self.idle_for = Duration::ZERO;
    }

    pub fn tick(&self) -> Duration {
        self.tick
    }

    /// To be called once a tick.
    pub fn look(&mut self, watch: &Watch) -> Verdict {
        self.since_control_window += self.tick;
        if self.since_control_window >= self.control_window {
            self.since_control_window = Duration::ZERO;
            watch.control_windows.fetch_add(1, Relaxed);
        }
        let requests = watch.requests.load(Relaxed);
        let moved_on = std::mem::replace(&mut self.requests_seen, requests) != requests;

        let in_head = watch.head_open.load(Relaxed) || !watch.greeted.load(Relaxed);
        self.head_for = if in_head && !moved_on { self.head_for + self.tick } else { Duration::ZERO };
        if self.head_for >= self.head_timeout {
            return Verdict::Cut(Cut::HeadTimeout);
        }
        let (bytes_in, bytes_out) = (watch.bytes_in.load(Relaxed), watch.bytes_out.load(Relaxed));
        let (tick, grace, least) = (self.tick, self.slow_grace, self.slow_bytes_min);
        if self.request.is_too_slow(watch.owes_request_bytes(), bytes_in, tick, grace, least) {
            return Verdict::Cut(Cut::SlowRequest);
        }
        if self.response.is_too_slow(watch.owes_room(), bytes_out, tick, grace, least) {
            return Verdict::Cut(Cut::SlowResponse);
        }
        self.idle_for = if watch.is_idle() && !moved_on { self.idle_for + self.tick } else { Duration::ZERO };
        if self.idle_for >= self.idle_max { Verdict::Idle } else { Verdict::GoOn }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            head_timeout: Duration::from_secs(10),
            keep_alive_idle_max: Duration::from_secs(20),
            slow_grace: Duration::from_secs(30),
            h2_control_window: Duration::from_secs(4),
            ..Limits::default()
        }
    }

    /// Looks until something is said: after how many seconds, and what.
    fn first_verdict(watch: &Watch, dog: &mut Watchdog, mut each: impl FnMut(&Watch)) -> (u32, Verdict) {
        assert_eq!(dog.tick(), Duration::from_secs(1));
        for second in 1..=100 {
            each(watch);
            let verdict = dog.look(watch);
            if verdict != Verdict::GoOn {
                return (second, verdict);
            }
        }
        (100, Verdict::GoOn)
    }

    #[test]
    fn a_head_has_its_time_and_no_more() {
        let watch = Watch::default();
        let mut dog = Watchdog::new(&limits());
        assert_eq!(first_verdict(&watch, &mut dog, |_| ()), (10, Verdict::Cut(Cut::HeadTimeout)));
        let watch = Watch::default();
        watch.set_greeted();
        watch.set_head_open(true);
        let mut dog = Watchdog::new(&limits());
        assert_eq!(first_verdict(&watch, &mut dog, |watch| watch.read(1)), (10, Verdict::Cut(Cut::HeadTimeout)));
    }

    #[test]
    fn a_connection_that_does_nothing_is_idle_and_one_with_a_quiet_response_is_not() {
        let watch = Arc::new(Watch::default());
        watch.set_greeted();
        let mut dog = Watchdog::new(&limits());
        assert_eq!(first_verdict(&watch, &mut dog, |_| ()), (20, Verdict::Idle));
        let _event_stream = InFlight::begin(&watch);
        let mut dog = Watchdog::new(&limits());
        assert_eq!(first_verdict(&watch, &mut dog, |_| ()).1, Verdict::GoOn);
    }

    #[test]
    fn who_owes_bytes_has_to_move_them() {
        let watch = Arc::new(Watch::default());
        watch.set_greeted();
        let _request = InFlight::begin(&watch);
        let awaiting = Awaiting::begin(&watch);
        let mut dog = Watchdog::new(&limits());
        assert_eq!(first_verdict(&watch, &mut dog, |watch| watch.read(499)), (30, Verdict::Cut(Cut::SlowRequest)));
        assert_eq!(first_verdict(&watch, &mut dog, |watch| watch.read(500)).1, Verdict::GoOn);
        drop(awaiting);
        let piece = Backlogged::wrap(bytes::Bytes::from_static(b"abc"), &watch);
        let mut dog = Watchdog::new(&limits());
        assert_eq!(first_verdict(&watch, &mut dog, |_| ()), (30, Verdict::Cut(Cut::SlowResponse)));
        drop(piece);
        watch.wrote(&Poll::Pending);
        assert_eq!(first_verdict(&watch, &mut dog, |_| ()), (30, Verdict::Cut(Cut::SlowResponse)));
        watch.wrote(&Poll::Ready(Ok(1)));
        assert_eq!(first_verdict(&watch, &mut dog, |_| ()).1, Verdict::GoOn);
    }

    #[test]
    fn a_control_window_begins_on_time() {
        let watch = Watch::default();
        watch.set_greeted();
        let mut dog = Watchdog::new(&limits());
        for _ in 0..8 {
            dog.look(&watch);
        }
        assert_eq!(watch.control_window(), 2);
    }
}
