//! The fold as tables of events, and what no sequence of events can do.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const OPENED: UtcMs = UtcMs(1_000_000);
const SCOPE: Scope = Scope { opened_at: OPENED, duration_ms: 100_000, card_ms: 0 };

/// Folds `events`, each received when it happened.
fn fold(events: &[Value]) -> Qoe {
    fold_in(SCOPE, events)
}

fn fold_in(scope: Scope, events: &[Value]) -> Qoe {
    let mut qoe = Qoe::default();
    for event in events {
        let event = PlayerEvent::read(event).unwrap_or_else(|| panic!("{event}"));
        let received_at = OPENED + Duration::from_millis(event.at_ms);
        qoe.take(scope, &Note::Player { received_at, sent_at_ms: Some(event.at_ms), events: vec![event] });
    }
    qoe
}

fn event(at_ms: u64, kind: &str, mut fields: Value) -> Value {
    fields["at_ms"] = at_ms.into();
    fields["kind"] = kind.into();
    fields
}

fn position(at_ms: u64, position_ms: u64) -> Value {
    event(at_ms, "position", json!({"position_ms": position_ms, "playing": true, "rate": 1}))
}

#[test]
fn a_good_viewing() {
    let qoe = fold(&[
        event(10, "play_pressed", json!({})),
        event(800, "first_frame", json!({})),
        event(801, "rung", json!({"bitrate_bps": 3_000_000, "width": 1920, "height": 1080})),
        position(1_000, 200),
        position(11_000, 10_200),
        event(12_000, "pause", json!({})),
        event(60_000, "resume", json!({})),
        position(61_000, 11_200),
        position(71_000, 21_200),
        event(71_500, "closed", json!({})),
    ]);
    assert_eq!(qoe.startup_ms, Some(790));
    // 200 ms to the first position, 10 s, 1 s to the pause, 1 s after it, 10 s, and half a second to the close.
    assert_eq!(qoe.watched_ms, 200 + 10_000 + 1_000 + 1_000 + 10_000 + 500);
    assert_eq!((qoe.stalls, qoe.rebuffer_ms, qoe.error_count()), (0, 0, 0));
    assert_eq!(qoe.furthest_permille, Some(212));
    assert_eq!(qoe.reached, 0b111_1111_1111);
    assert_eq!(qoe.rung.map(|rung| rung.height), Some(1080));
    assert!(!qoe.exited_before_start && qoe.start_failed_at.is_none());
}

#[test]
fn a_card_is_never_watched() {
    let watched = |events: &[Value]| {
        let mut all = vec![event(0, "first_frame", json!({"startup_ms": 5}))];
        all.extend_from_slice(events);
        let qoe = fold_in(Scope { card_ms: 5_000, ..SCOPE }, &all);
        (qoe.watched_ms, qoe.reached, qoe.furthest_permille)
    };
    assert_eq!(watched(&[event(4_999, "closed", json!({}))]), (0, 0, Some(0)));
    assert_eq!(watched(&[position(3_000, 3_000), event(5_000, "closed", json!({}))]), (0, 0, Some(0)));
    assert_eq!(watched(&[event(5_001, "closed", json!({}))]), (1, 0, Some(0)), "no position says what was played");
    assert_eq!(watched(&[position(4_999, 4_999), position(5_001, 5_001)]), (1, 1, Some(0)));
    assert_eq!(watched(&[position(3_000, 3_000), position(9_000, 9_000)]), (4_000, 0b111, Some(40)));
    // A pause within it, and nothing said of positions: a second was left of it.
    let paused = [event(4_000, "pause", json!({})), event(60_000, "resume", json!({}))];
    assert_eq!(watched(&[&paused[..], &[event(63_000, "closed", json!({}))]].concat()), (2_000, 0, Some(0)));
    // Who goes on where they left off saw the card first.
    let resumed = [event(5_000, "seek", json!({"from_ms": 5_000, "to_ms": 55_000})), position(6_000, 55_900)];
    assert_eq!(watched(&resumed), (900, 1 << 25 | 1, Some(509)));
    assert_eq!(watched(&[position(5_000, 5_000), event(105_000, "ended", json!({}))]).2, Some(1_000));
}

#[test]
fn a_stall_counts_and_one_that_a_seek_causes_does_not() {
    let stalls = |seeking: bool, with_seek: bool| {
        let mut events = vec![event(0, "first_frame", json!({"startup_ms": 5})), position(1_000, 1_000)];
        if with_seek {
            events.push(event(1_001, "seek", json!({"from_ms": 1_000, "to_ms": 50_000})));
        }
        events.push(event(1_500, "stall_start", json!({})));
        events.push(event(3_500, "stall_end", json!({"ms": 2_000, "seeking": seeking})));
        let qoe = fold(&events);
        (qoe.stalls, qoe.rebuffer_ms)
    };
    assert_eq!(stalls(false, false), (1, 2_000));
    assert_eq!(stalls(true, false), (0, 0));
    assert_eq!(stalls(false, true), (0, 0));
}

#[test]
fn a_stall_is_no_longer_than_it_was_and_one_before_the_start_is_start_up() {
    let qoe = fold(&[
        event(0, "play_pressed", json!({})),
        event(100, "stall_start", json!({})),
        event(900, "stall_end", json!({"ms": 800, "seeking": false})),
        event(1_000, "first_frame", json!({})),
        event(2_000, "stall_start", json!({})),
        event(3_000, "stall_end", json!({"ms": 3_600_000, "seeking": false})),
        event(4_000, "stall_start", json!({})),
        event(9_000, "closed", json!({})),
    ]);
    assert_eq!(qoe.startup_ms, Some(1_000));
    assert_eq!((qoe.stalls, qoe.rebuffer_ms), (2, 1_000 + 5_000));
}

#[test]
fn a_start_fails_or_is_left_or_comes_after_all() {
    let end = |kind: &str, fields: Value, then: Option<Value>| {
        let mut events = vec![event(0, "play_pressed", json!({})), event(10, kind, fields)];
        events.extend(then);
        let qoe = fold(&events);
        (qoe.start_failed_at.is_some(), qoe.exited_before_start, qoe.error_codes().join(","))
    };
    let code = || json!({"code": "MEDIA_1"});
    assert_eq!(end("start_failed", code(), None), (true, false, "MEDIA_1".into()));
    assert_eq!(end("error", json!({"code": "MEDIA_1", "fatal": true}), None), (true, false, "MEDIA_1".into()));
    assert_eq!(end("error", code(), None), (false, false, "MEDIA_1".into()));
    assert_eq!(end("closed", json!({}), None), (false, true, String::new()));
    assert_eq!(end("exit_before_start", json!({}), None), (false, true, String::new()));
    let closed = Some(event(20, "closed", json!({})));
    assert_eq!(end("start_failed", code(), closed), (true, false, "MEDIA_1".into()));
    let started = Some(event(20, "first_frame", json!({})));
    assert_eq!(end("start_failed", code(), started), (false, false, "MEDIA_1".into()));
}

#[test]
fn nobody_watches_what_they_skip_or_claims_more_time_than_passed() {
    let qoe = fold(&[
        event(0, "first_frame", json!({"startup_ms": 1})),
        position(1_000, 0),
        // Ninety seconds of film in two: a seek that was not told.
        position(3_000, 90_000),
        position(4_000, 91_000),
    ]);
    assert_eq!(qoe.watched_ms, 1_000 + 2_000 + 1_000);
    assert_eq!(qoe.reached.count_ones(), 2, "the beginning and where it went on: {:b}", qoe.reached);
    // Silence of an hour is believed for half a minute.
    let silent = fold(&[event(0, "first_frame", json!({})), event(3_600_000, "pause", json!({}))]);
    assert_eq!(silent.watched_ms, 30_000);
    // A page whose clock says it is old lies where the session was opened.
    let mut qoe = Qoe::default();
    let events = vec![PlayerEvent { at_ms: 0, kind: EventKind::FirstFrame { startup_ms: Some(u64::MAX) } }];
    let received_at = OPENED + Duration::from_secs(5);
    let lines = qoe.take(SCOPE, &Note::Player { received_at, sent_at_ms: Some(9_000_000), events });
    assert_eq!((lines[0].at, qoe.startup_ms), (OPENED, Some(STARTUP_MS_MAX)));
}

#[test]
fn a_report_that_comes_twice_counts_once() {
    let event = |at_ms, kind| PlayerEvent { at_ms, kind };
    let code = || EventKind::Error { code: "E".into(), fatal: false };
    // Two events of one report share an instant.
    let report = Note::Player {
        received_at: OPENED + Duration::from_secs(2),
        sent_at_ms: Some(2_000),
        events: vec![
            event(1_000, EventKind::FirstFrame { startup_ms: None }),
            event(2_000, code()),
            event(2_000, code()),
        ],
    };
    let mut qoe = Qoe::default();
    assert_eq!(qoe.take(SCOPE, &report).len(), 3);
    assert_eq!(qoe.take(SCOPE, &report).len(), 0);
    assert_eq!((qoe.error_count(), qoe.lines), (2, 3));
}

#[test]
fn codes_and_lines_are_bounded() {
    let events = (0..u64::from(limits::TIMELINE_LINES_MAX) + 50)
        .map(|n| PlayerEvent { at_ms: n, kind: EventKind::Error { code: format!("E{n}"), fatal: false } });
    let mut qoe = Qoe::default();
    let note = Note::Player { received_at: OPENED, sent_at_ms: None, events: events.collect() };
    assert_eq!(qoe.take(SCOPE, &note).len(), limits::TIMELINE_LINES_MAX as usize);
    assert_eq!(qoe.errors.len(), limits::ERROR_CODES_PER_SESSION_MAX + 1);
    assert_eq!(qoe.error_count(), u64::from(limits::TIMELINE_LINES_MAX) + 50);
}

#[test]
fn another_player_is_read_from_its_cmcd_until_ours_speaks() {
    let mut qoe = Qoe::default();
    let mut say = |seconds: u64, list: &str| {
        let at = OPENED + Duration::from_secs(seconds);
        qoe.take(SCOPE, &Note::Cmcd { at, report: Cmcd::from_list(list) }).len()
    };
    assert_eq!(say(0, "br=3200,ot=v"), 1);
    assert_eq!(say(1, "br=3200,ot=v"), 0, "a line at most every ten seconds");
    assert_eq!(say(1, "e=ps,sta=s"), 1, "but every report");
    assert_eq!(say(2, "e=ps,sta=p,msd=812,pt=0"), 1);
    assert_eq!(say(7, "e=t,sta=p,pt=5000"), 0);
    assert_eq!(say(8, "e=ps,sta=r,pt=6000"), 1);
    assert_eq!(say(10, "e=ps,sta=p,pt=6000"), 1);
    assert_eq!(say(11, r#"e=er,sta=f,ec="NET""#), 1);
    assert_eq!(qoe.startup_ms, Some(812));
    assert_eq!((qoe.stalls, qoe.rebuffer_ms, qoe.watched_ms), (1, 2_000, 6_000));
    assert_eq!((qoe.error_codes(), qoe.rung.unwrap().bitrate_bps), (vec!["NET".to_owned()], 3_200_000));
    let ours = PlayerEvent { at_ms: 1, kind: EventKind::Pause };
    let at = OPENED + Duration::from_secs(12);
    qoe.take(SCOPE, &Note::Player { received_at: at, sent_at_ms: None, events: vec![ours] });
    let before = qoe.error_count();
    qoe.take(SCOPE, &Note::Cmcd { at, report: Cmcd::from_list(r#"e=er,ec="NET""#) });
    assert_eq!(qoe.error_count(), before);
}

#[test]
fn what_others_say_meanwhile_does_not_move_what_a_player_tells() {
    let second = |seconds| OPENED + Duration::from_secs(seconds);
    let mut qoe = Qoe::default();
    qoe.take(SCOPE, &Note::Server { at: second(5), fact: Fact::FirstKey });
    qoe.take(SCOPE, &Note::Cmcd { at: second(6), report: Cmcd::from_list("br=3200,ot=v") });
    let events = [event(1_000, "first_frame", json!({})), position(2_000, 1_000), position(7_000, 6_000)];
    let events = events.iter().filter_map(PlayerEvent::read).collect();
    qoe.take(SCOPE, &Note::Player { received_at: second(7), sent_at_ms: Some(7_000), events });
    assert_eq!((qoe.started_at, qoe.watched_ms), (Some(second(1)), 6_000));
    assert_eq!(qoe.last_heard_at, Some(second(7)));
}

#[test]
fn percentiles_are_of_the_nearest_rank() {
    assert_eq!(percentile(&[], 500), None);
    assert_eq!((percentile(&[7], 500), percentile(&[7], 950)), (Some(7), Some(7)));
    let ten: Vec<u64> = (1..=10).collect();
    assert_eq!((percentile(&ten, 500), percentile(&ten, 950), percentile(&ten, 1000)), (Some(5), Some(10), Some(10)));
    let hundred: Vec<u64> = (1..=100).collect();
    assert_eq!((percentile(&hundred, 500), percentile(&hundred, 950)), (Some(50), Some(95)));
}

fn any_kind() -> impl Strategy<Value = EventKind> {
    let ms = || 0u64..200_000;
    prop_oneof![
        Just(EventKind::PlayPressed),
        ms().prop_map(|ms| EventKind::FirstFrame { startup_ms: Some(ms) }),
        Just(EventKind::StallStart),
        (any::<u64>(), any::<bool>()).prop_map(|(ms, seeking)| EventKind::StallEnd { ms, seeking }),
        (ms(), ms()).prop_map(|(from_ms, to_ms)| EventKind::Seek { from_ms, to_ms }),
        (ms(), any::<bool>()).prop_map(|(position_ms, playing)| EventKind::Position {
            position_ms,
            playing,
            rate: 1.0
        }),
        Just(EventKind::Pause),
        Just(EventKind::Resume),
        Just(EventKind::Ended),
        Just(EventKind::Closed),
    ]
}

proptest! {
    #[test]
    fn no_page_watches_longer_than_its_session_was_open(
        card_ms in 0u64..6_000,
        steps in proptest::collection::vec((any_kind(), 0u64..60_000, 0u64..100_000), 0..60)
    ) {
        let (mut qoe, mut at_ms, mut received_at) = (Qoe::default(), 0, OPENED);
        for (kind, step_ms, age_ms) in steps {
            at_ms += step_ms + 1;
            received_at = received_at + Duration::from_millis(step_ms);
            let event = PlayerEvent { at_ms, kind };
            let note = Note::Player { received_at, sent_at_ms: Some(at_ms + age_ms), events: vec![event] };
            qoe.take(Scope { card_ms, ..SCOPE }, &note);
            let json = serde_json::to_string(&qoe).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Qoe>(&json).unwrap(), &qoe);
        }
        prop_assert!(qoe.watched_ms <= received_at.since(OPENED).as_millis() as u64);
        prop_assert!(qoe.furthest_permille.unwrap_or_default() <= 1000);
        prop_assert!(qoe.reached < 1 << PARTS);
    }
}
