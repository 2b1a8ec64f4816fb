//! The contract of the state port, with leases of 200 ms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use marquee::base::clock::Clock;
use marquee::base::limits;
use marquee::store::state::memory::MemoryState;
use marquee::store::state::redis::RedisState;
use marquee::store::state::{Lease, Rate, State};

use crate::redis_server::RedisServer;

const TTL: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

macro_rules! suite {
    ($($case:ident)*) => {
        mod memory {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(Arc::new(MemoryState::new(Clock::system()))).await;
            })*
        }

        mod redis {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let server = RedisServer::start();
                super::$case(Arc::new(RedisState::connect(&server.url(), "test:").unwrap())).await;
            })*
        }
    };
}

suite! {
    a_slot_takes_as_many_holders_as_its_limit
    a_lease_that_is_not_renewed_ends
    a_holder_that_is_in_is_always_renewed
    a_race_for_the_last_lease_has_one_winner
    a_crowd_counts_each_member_once_until_it_leaves_or_falls_silent
    every_listener_hears_an_announcement
    a_counter_counts_to_its_limit_and_begins_again
    a_race_for_a_counter_loses_no_event
    it_answers_a_ping
}

async fn a_slot_takes_as_many_holders_as_its_limit(state: Arc<dyn State>) {
    assert_eq!(state.hold_lease("gra_1", "a", 2, LONG).await.unwrap(), Lease::Held);
    assert_eq!(state.hold_lease("gra_1", "b", 2, LONG).await.unwrap(), Lease::Held);
    assert_eq!(state.hold_lease("gra_1", "c", 2, LONG).await.unwrap(), Lease::Full);
    assert_eq!(state.hold_lease("gra_2", "c", 2, LONG).await.unwrap(), Lease::Held, "slots are apart");
    assert_eq!(state.hold_lease("gra_3", "c", 0, LONG).await.unwrap(), Lease::Full, "none is none");
    let counted = async |slot| state.leases(slot).await.unwrap();
    assert_eq!((counted("gra_1").await, counted("gra_2").await, counted("gra_3").await), (2, 1, 0));
    state.release_lease("gra_1", "a").await.unwrap();
    assert_eq!(state.hold_lease("gra_1", "c", 2, LONG).await.unwrap(), Lease::Held);
    assert_eq!(state.hold_lease("gra_1", "a", 2, LONG).await.unwrap(), Lease::Full);
    state.release_lease("gra_1", "a").await.unwrap();
    state.release_lease("gra_none", "a").await.unwrap();
    assert_eq!(state.hold_lease("gra_1", "a", 2, LONG).await.unwrap(), Lease::Full, "nobody else lost a lease");
}

async fn a_crowd_counts_each_member_once_until_it_leaves_or_falls_silent(state: Arc<dyn State>) {
    let crowds = ["ttl_1".to_owned(), "ttl_2".to_owned(), "ttl_3".to_owned()];
    assert_eq!(state.crowds(&crowds).await.unwrap(), [0, 0, 0]);
    assert!(state.crowds(&[]).await.unwrap().is_empty());
    for member in ["a", "b", "a"] {
        state.enter_crowd("ttl_1", member, LONG).await.unwrap();
    }
    state.enter_crowd("ttl_2", "c", LONG).await.unwrap();
    state.enter_crowd("ttl_2", "d", TTL).await.unwrap();
    assert_eq!(state.crowds(&crowds).await.unwrap(), [2, 2, 0]);
    state.leave_crowd("ttl_1", "a").await.unwrap();
    state.leave_crowd("ttl_1", "a").await.unwrap();
    state.leave_crowd("ttl_3", "a").await.unwrap();
    assert_eq!(state.crowds(&crowds).await.unwrap(), [1, 2, 0]);
    tokio::time::sleep(TTL + Duration::from_millis(20)).await;
    assert_eq!(state.crowds(&crowds).await.unwrap(), [1, 1, 0]);
    state.enter_crowd("ttl_2", "c", TTL).await.unwrap();
    state.enter_crowd("ttl_2", "d", LONG).await.unwrap();
    tokio::time::sleep(TTL + Duration::from_millis(20)).await;
    assert_eq!(state.crowds(&crowds).await.unwrap(), [1, 1, 0], "the last word counts");
}

async fn a_lease_that_is_not_renewed_ends(state: Arc<dyn State>) {
    assert_eq!(state.hold_lease("gra", "a", 1, TTL).await.unwrap(), Lease::Held);
    assert_eq!(state.hold_lease("gra", "b", 1, TTL).await.unwrap(), Lease::Full);
    tokio::time::sleep(TTL + Duration::from_millis(20)).await;
    assert_eq!(state.leases("gra").await.unwrap(), 0);
    assert_eq!(state.hold_lease("gra", "b", 1, TTL).await.unwrap(), Lease::Held);
    assert_eq!(state.hold_lease("gra", "a", 1, TTL).await.unwrap(), Lease::Full);
}

async fn a_holder_that_is_in_is_always_renewed(state: Arc<dyn State>) {
    assert_eq!(state.hold_lease("gra", "a", 2, LONG).await.unwrap(), Lease::Held);
    assert_eq!(state.hold_lease("gra", "b", 2, TTL).await.unwrap(), Lease::Held);
    // The limit has shrunk since; who is in stays in.
    assert_eq!(state.hold_lease("gra", "a", 1, LONG).await.unwrap(), Lease::Held);
    let start = Instant::now();
    while start.elapsed() < 2 * TTL {
        assert_eq!(state.hold_lease("gra", "b", 1, TTL).await.unwrap(), Lease::Held);
        tokio::time::sleep(TTL / 10).await;
    }
    // A shorter lease beside it has not shortened the longer one.
    tokio::time::sleep(TTL + Duration::from_millis(20)).await;
    assert_eq!(state.hold_lease("gra", "c", 1, TTL).await.unwrap(), Lease::Full);
}

async fn a_race_for_the_last_lease_has_one_winner(state: Arc<dyn State>) {
    let racers = (0..20).map(|holder| {
        let state = state.clone();
        tokio::spawn(async move { state.hold_lease("gra", &holder.to_string(), 1, LONG).await.unwrap() })
    });
    let mut held = 0;
    for racer in racers.collect::<Vec<_>>() {
        held += usize::from(racer.await.unwrap() == Lease::Held);
    }
    assert_eq!(held, 1);
}

async fn every_listener_hears_an_announcement(state: Arc<dyn State>) {
    let (mut one, mut other) = (state.changes(), state.changes());
    // A listener far away is heard of a moment after it has subscribed, so the first words may be lost.
    let announcer = tokio::spawn({
        let state = state.clone();
        async move {
            loop {
                state.announce_change().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    for listener in [&mut one, &mut other] {
        tokio::time::timeout(Duration::from_secs(5), listener.recv()).await.expect("heard in time").unwrap();
    }
    announcer.abort();
}

async fn a_counter_counts_to_its_limit_and_begins_again(state: Arc<dyn State>) {
    for _ in 0..3 {
        assert_eq!(state.count("sign-in", 3, TTL).await.unwrap(), Rate::Within);
    }
    let Rate::Over { retry_after } = state.count("sign-in", 3, TTL).await.unwrap() else { panic!("over the limit") };
    assert!(retry_after <= TTL, "{retry_after:?}");
    assert_eq!(state.count("another", 3, TTL).await.unwrap(), Rate::Within, "counters are apart");
    // The window is fixed: events over the limit do not make it longer.
    tokio::time::sleep(retry_after + Duration::from_millis(20)).await;
    assert_eq!(state.count("sign-in", 3, TTL).await.unwrap(), Rate::Within);
}

async fn a_race_for_a_counter_loses_no_event(state: Arc<dyn State>) {
    let racers = (0..40).map(|_| {
        let state = state.clone();
        tokio::spawn(async move { state.count("race", 10, LONG).await.unwrap() })
    });
    let mut within = 0;
    for racer in racers.collect::<Vec<_>>() {
        within += usize::from(racer.await.unwrap() == Rate::Within);
    }
    assert_eq!(within, 10);
}

async fn it_answers_a_ping(state: Arc<dyn State>) {
    state.ping().await.unwrap();
}

/// Every call fails with the code within the timeout.
async fn assert_away(state: &RedisState) {
    let start = Instant::now();
    let codes = [
        state.hold_lease("gra", "a", 1, LONG).await.unwrap_err().code(),
        state.release_lease("gra", "a").await.unwrap_err().code(),
        state.count("key", 1, LONG).await.unwrap_err().code(),
        state.announce_change().await.unwrap_err().code(),
        state.ping().await.unwrap_err().code(),
    ];
    assert_eq!(codes, ["STATE_UNAVAILABLE"; 5]);
    assert!(start.elapsed() < 5 * (limits::STATE_TIMEOUT + Duration::from_millis(100)), "{:?}", start.elapsed());
}

/// The first call may still find the connection that was lost.
async fn assert_back(state: &RedisState) {
    let start = Instant::now();
    while state.ping().await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5), "it does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(state.hold_lease("gra_back", "a", 1, TTL).await.unwrap(), Lease::Held);
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_be_down_at_the_start() {
    let mut server = RedisServer::not_running();
    let state = RedisState::connect(&server.url(), "test:").unwrap();
    assert_away(&state).await;
    server.run();
    assert_back(&state).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_may_go_away_and_come_back() {
    let mut server = RedisServer::start();
    let state = RedisState::connect(&server.url(), "test:").unwrap();
    state.ping().await.unwrap();
    server.kill();
    assert_away(&state).await;
    server.run();
    assert_back(&state).await;
    every_listener_hears_an_announcement(Arc::new(state)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_holds_nobody_up() {
    let server = RedisServer::start();
    let state = RedisState::connect(&server.url(), "test:").unwrap();
    state.ping().await.unwrap();
    server.freeze();
    assert_away(&state).await;
    server.thaw();
    assert_back(&state).await;
}

#[tokio::test]
async fn a_url_that_makes_no_sense_is_a_fault_of_the_configuration() {
    let error = RedisState::connect("http://127.0.0.1", "test:").err().expect("refused");
    assert_eq!(error.code(), "REDIS_URL_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_and_two_prefixes_do_not() {
    let server = RedisServer::start();
    let node = |prefix| RedisState::connect(&server.url(), prefix).unwrap();
    let (one, two, apart) = (node("a:"), node("a:"), node("b:"));
    assert_eq!(one.hold_lease("gra", "x", 1, LONG).await.unwrap(), Lease::Held);
    assert_eq!(two.hold_lease("gra", "y", 1, LONG).await.unwrap(), Lease::Full);
    assert_eq!(apart.hold_lease("gra", "y", 1, LONG).await.unwrap(), Lease::Held);
}
