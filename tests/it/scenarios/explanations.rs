//! What is explained is what happens: release plans at random, made through the API, asked about and played at each of
//! their boundaries, one millisecond before, at and after.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Stage, at};
use crate::server::{Answer, TestViewer};

const START: &str = "2027-01-01T00:00:00Z";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Every case has these days to itself: the clock of a server goes forward only, and a token of its operator's lasts a year.
const CASE_MS: i64 = 9 * DAY_MS;
const TERRITORIES: [&str; 3] = ["CN", "DE", "US"];

/// A title, its plan, and what is done about it. Instants are milliseconds from the beginning of the case.
#[derive(Clone, Debug)]
struct Drawn {
    windows: Vec<DrawnWindow>,
    holdback: Option<DrawnHoldback>,
    origin: Origin,
    member: (i64, i64),
    starts_at_play: bool,
}

#[derive(Clone, Debug)]
struct DrawnWindow {
    license_type: &'static str,
    territories: Vec<&'static str>,
    start: i64,
    length: i64,
    /// Counted from the start.
    hard_end: Option<i64>,
    /// How far into it somebody buys, in thousandths, where something is sold.
    bought: i64,
}

#[derive(Clone, Debug)]
struct DrawnHoldback {
    opens: i64,
    lag_days: u16,
    territories: Vec<&'static str>,
}

#[derive(Clone, Debug)]
enum Origin {
    Foreign,
    /// Made in China, and nobody has confirmed a licence.
    Unlicensed,
    /// Made in China, and the licence is revoked at an instant.
    Revoked(i64),
}

fn any_territories() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(TERRITORIES.to_vec(), 1..=3)
}

fn any_window(license_type: &'static str) -> impl Strategy<Value = DrawnWindow> {
    let hard_end = proptest::option::of(HOUR_MS..4 * DAY_MS);
    (any_territories(), 0..4 * DAY_MS, HOUR_MS..2 * DAY_MS, hard_end, 0i64..1000).prop_map(
        move |(territories, start, length, hard_end, bought)| DrawnWindow {
            license_type,
            territories,
            start,
            length,
            hard_end,
            bought,
        },
    )
}

fn any_plan() -> impl Strategy<Value = Drawn> {
    let more = prop_oneof![any_window("vod"), any_window("svod"), any_window("avod")];
    let windows = (any_window("vod"), any_window("svod"), any_window("avod"), proptest::collection::vec(more, 0..3));
    let windows = windows.prop_map(|(paid, members, free, more)| [vec![paid, members, free], more].concat());
    let holdback = (0..4 * DAY_MS, 0u16..3, any_territories());
    let holdback = holdback.prop_map(|(opens, lag_days, territories)| DrawnHoldback { opens, lag_days, territories });
    let origin = prop_oneof![
        4 => Just(Origin::Foreign),
        1 => Just(Origin::Unlicensed),
        1 => (0..7 * DAY_MS).prop_map(Origin::Revoked),
    ];
    let member = (0..4 * DAY_MS, HOUR_MS..4 * DAY_MS);
    (windows, proptest::option::weighted(0.3, holdback), origin, member, any::<bool>()).prop_map(
        |(windows, holdback, origin, (joins, stays), starts_at_play)| Drawn {
            windows,
            holdback,
            origin,
            member: (joins, joins + stays),
            starts_at_play,
        },
    )
}

/// Sold, then for members, then free, with something for every viewer.
fn known_plan() -> Drawn {
    let window = |license_type, territories: &[&'static str], start: i64, hard_end: Option<i64>| DrawnWindow {
        license_type,
        territories: territories.to_vec(),
        start: start * DAY_MS + 1,
        length: 2 * DAY_MS,
        hard_end: hard_end.map(|days| days * DAY_MS),
        bought: 250,
    };
    Drawn {
        windows: vec![
            window("vod", &["CN", "DE"], 1, Some(3)),
            window("svod", &["US"], 3, None),
            window("avod", &["CN", "DE"], 5, Some(1)),
        ],
        holdback: Some(DrawnHoldback { opens: 1, lag_days: 1, territories: vec!["CN"] }),
        origin: Origin::Foreign,
        member: (2 * DAY_MS + 2, 4 * DAY_MS),
        starts_at_play: true,
    }
}

/// The plan is refused where it is none; what is left of it is asked about.
pub async fn what_is_explained_is_what_happens(backend: Backend) {
    let stage = Stage::open(backend, START).await;
    let people = [stage.server.viewer("member").await, stage.server.viewer("buyer").await];
    let plan = stage.made("/plans", json!({"name": "plan", "streams": 3})).await;
    let runtime = tokio::runtime::Handle::current();
    let cases = match backend {
        Backend::Sqlite => 6,
        Backend::Postgres => 3,
    };
    let mut runner =
        TestRunner::new(Config { cases, max_shrink_iters: 20, failure_persistence: None, ..Config::default() });
    let (lived, seen) = (Cell::new(0), RefCell::new(BTreeSet::new()));
    let lives = |drawn: Drawn| {
        let begins = UtcMs(at(START).0 + lived.get() * CASE_MS);
        lived.set(lived.get() + 1);
        runtime.block_on(async {
            let mut case = Case::plan(&stage, &people, &plan, begins, &drawn).await;
            case.live_through().await?;
            seen.borrow_mut().append(&mut case.seen);
            Ok(())
        })
    };
    tokio::task::block_in_place(|| {
        lives(known_plan()).unwrap();
        for rule in ["grant", "membership", "free", "territory", "window", "entitlement"] {
            assert!(seen.borrow().contains(rule), "{rule} has decided nothing: {:?}", seen.borrow());
        }
        runner.run(&any_plan(), lives).unwrap();
    });
    stage.end().await;
}

/// What a decision comes to: the code, or what is used; and by which rule.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    allow: bool,
    answer: String,
    rule: String,
}

impl Outcome {
    fn explained(body: &Value) -> Outcome {
        let answer = if body["code"].is_null() { &body["via"] } else { &body["code"] };
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        Outcome { allow: body["allow"].as_bool().unwrap(), answer: text(answer), rule: text(&body["rule"]) }
    }

    fn happened(answer: &Answer) -> Outcome {
        let body = answer.json();
        let is_open = answer.status == StatusCode::CREATED;
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        if is_open {
            Outcome { allow: true, answer: text(&body["via"]), rule: text(&body["via"]) }
        } else {
            Outcome { allow: false, answer: text(&body["code"]), rule: text(&body["rule"]) }
        }
    }
}

/// What is done at an instant, and by that no earlier explanation can know.
enum Act {
    Buy(String, &'static str),
    Revoke,
}

/// A session that is left open.
struct Open {
    body: Value,
    territory: &'static str,
}

/// One plan on its server.
struct Case<'a> {
    stage: &'a Stage,
    title: TitleId,
    people: &'a [TestViewer; 2],
    ends: UtcMs,
    /// Each with the territory that it is asked about in.
    boundaries: BTreeMap<UtcMs, &'static str>,
    acts: BTreeMap<UtcMs, Vec<Act>>,
    /// The session of nobody, of the member, and of the buyer.
    open: [Option<Open>; 3],
    /// What was asked, without its instant, when, and what was said.
    said: Vec<(String, UtcMs, Outcome)>,
    seen: BTreeSet<String>,
}

impl<'a> Case<'a> {
    async fn plan(stage: &'a Stage, people: &'a [TestViewer; 2], plan: &str, begins: UtcMs, drawn: &Drawn) -> Case<'a> {
        stage.server.sim.advance_to(begins);
        let from_begin = |ms: i64| UtcMs(begins.0 + ms);
        let is_chinese = !matches!(drawn.origin, Origin::Foreign);
        let title = stage.title("A Plan", if is_chinese { "CN" } else { "NL" }).await;
        let (joins, leaves) = drawn.member;
        let mut boundaries = BTreeMap::from([(from_begin(joins), "CN"), (from_begin(leaves), "DE")]);
        let mut acts: BTreeMap<UtcMs, Vec<Act>> = BTreeMap::new();
        if let Origin::Revoked(revoked) = drawn.origin {
            let licence = json!({"kind": "theatrical_release", "number": "电审故字〔2027〕第12号"});
            stage.done(Method::PUT, &format!("/titles/{title}/licence"), licence).await;
            stage.done(Method::POST, &format!("/titles/{title}/compliance"), json!({"event": "confirm"})).await;
            acts.entry(from_begin(revoked)).or_default().push(Act::Revoke);
        }
        let member = json!({"viewer_id": people[0].id, "plan_id": plan, "starts_at": from_begin(joins),
            "ends_at": from_begin(leaves)});
        stage.made("/memberships", member).await;
        if let Some(DrawnHoldback { opens, lag_days, territories }) = &drawn.holdback {
            let holdback = json!({"party": "横店院线", "lag_days": lag_days, "territories": {"include": territories},
                "event": {"kind": "cinema_opening", "opens_at": from_begin(*opens), "zone": "Asia/Shanghai"}});
            stage.done(Method::POST, &format!("/titles/{title}/holdbacks"), holdback).await;
            // No summer time there.
            boundaries.insert(from_begin(opens + i64::from(*lag_days) * DAY_MS), territories[0]);
        }
        let clock = if drawn.starts_at_play {
            json!({"on_first_play": {"start_within_s": 24 * 3600, "watch_s": 12 * 3600}})
        } else {
            json!({"on_purchase": {"watch_s": 12 * 3600}})
        };
        for drawn in &drawn.windows {
            let end = from_begin(drawn.start + drawn.length);
            let window = json!({"license_type": drawn.license_type, "territories": {"include": drawn.territories},
                "start_at": from_begin(drawn.start), "end_at": end, "zone": "Asia/Shanghai",
                "hard_end_at": drawn.hard_end.map(|hard| from_begin(drawn.start + hard))});
            let made = stage.operate(Method::POST, &format!("/titles/{title}/avails"), &window).await;
            if made.status != StatusCode::CREATED {
                assert_eq!(made.code(), "AVAIL_CONFLICT", "{}", made.text());
                continue;
            }
            let last = drawn.territories.last().unwrap();
            boundaries.extend([(from_begin(drawn.start), drawn.territories[0]), (end, last)]);
            boundaries.extend(drawn.hard_end.map(|hard| (from_begin(drawn.start + hard), *last)));
            if drawn.license_type != "vod" {
                continue;
            }
            let offer = json!({"kind": "rental", "list_price": {"amount": 1800, "currency": "CNY"}, "streams": 3,
                "clock": clock});
            let path = format!("/avails/{}/offers", made.json()["id"].as_str().unwrap());
            let offered = stage.operate(Method::POST, &path, &offer).await;
            if offered.status != StatusCode::CREATED {
                assert_eq!(offered.code(), "LICENCE_REQUIRED", "{}", offered.text());
                continue;
            }
            let buy = Act::Buy(offered.json()["id"].as_str().unwrap().to_owned(), drawn.territories[0]);
            acts.entry(from_begin(drawn.start + drawn.length * drawn.bought / 1000)).or_default().push(buy);
        }
        boundaries.extend(acts.keys().map(|instant| (*instant, "CN")));
        let (open, said, seen) = ([None, None, None], Vec::new(), BTreeSet::new());
        Case { stage, title, people, ends: UtcMs(begins.0 + CASE_MS), boundaries, acts, open, said, seen }
    }

    async fn live_through(&mut self) -> Result<(), TestCaseError> {
        while let Some((boundary, place)) = self.boundaries.pop_first().filter(|(instant, _)| *instant < self.ends) {
            let acts = self.acts.remove(&boundary).unwrap_or_default();
            for offset_ms in [-1, 0, 1] {
                let now = UtcMs(boundary.0 + offset_ms);
                if now < self.stage.server.now() {
                    continue;
                }
                // Nobody knows what is done at an instant before it is done.
                let explained = if offset_ms == 0 && !acts.is_empty() {
                    self.stage.server.sim.advance_to(now);
                    for act in &acts {
                        self.act(act).await;
                    }
                    self.explained(place, now).await
                } else {
                    let ahead = self.explained(place, now).await;
                    self.stage.server.sim.advance_to(now);
                    ahead
                };
                self.go_on(place).await?;
                self.open(place, &explained).await?;
                self.said.extend(explained.into_iter().map(|(path, said)| (path, now, said)));
            }
            self.expect_ends().await;
        }
        for (path, then, said) in self.said.iter().step_by(2) {
            prop_assert_eq!(&self.asked(&format!("{path}&at={then}")).await, said, "of the past: {} {}", path, then);
        }
        Ok(())
    }

    async fn act(&self, act: &Act) {
        match act {
            Act::Buy(offer, territory) => {
                let viewer = self.stage.server.signed_in_again(&self.people[1]).await;
                let order = json!({"offer_id": offer, "payment": {"method": "sandbox", "outcome": "paid"}});
                let answer = self.stage.from(territory, &viewer.token, "/purchases", &order).await;
                let expected = [StatusCode::CREATED, StatusCode::FORBIDDEN, StatusCode::CONFLICT];
                assert!(expected.contains(&answer.status), "{}", answer.text());
            }
            Act::Revoke => {
                let path = format!("/titles/{}/compliance", self.title);
                self.stage.done(Method::POST, &path, json!({"event": "revoke", "reason": "an order"})).await;
            }
        }
    }

    /// What has been bought ends some time, and that is a boundary too.
    async fn expect_ends(&mut self) {
        let viewer = self.stage.server.signed_in_again(&self.people[1]).await;
        let grants = self.stage.server.api(&viewer.token, "/grants").await.json();
        let now = self.stage.server.now();
        let ends = grants["data"].as_array().unwrap().iter().filter_map(|grant| grant["expires_at"].as_str());
        self.boundaries.extend(ends.map(at).filter(|end| *end > now).map(|end| (end, "DE")));
    }

    async fn asked(&self, path: &str) -> Outcome {
        let answer = self.stage.server.api(&self.stage.server.operator, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        Outcome::explained(&answer.json())
    }

    /// What nobody in particular, the member and the buyer are told of an instant.
    async fn explained(&self, place: &str, instant: UtcMs) -> Vec<(String, Outcome)> {
        let mut all = Vec::new();
        let [member, buyer] = self.people.each_ref().map(|viewer| format!("&viewer_id={}", viewer.id));
        for viewer in ["", &member, &buyer] {
            let path = format!("/operator/explain?title_id={}&territory={place}{viewer}", self.title);
            let said = self.asked(&format!("{path}&at={instant}")).await;
            all.push((path, said));
        }
        all
    }

    /// Whoever presses Play gets what was explained, and what is opened plays. The first session of each stays open.
    async fn open(&mut self, place: &'static str, explained: &[(String, Outcome)]) -> Result<(), TestCaseError> {
        let [member, buyer] = self.people;
        let people = [None, Some(member), Some(buyer)];
        for ((who, (path, said)), open) in people.into_iter().zip(explained).zip(&mut self.open) {
            let token = match who {
                None => None,
                Some(viewer) => Some(self.stage.server.signed_in_again(viewer).await.token),
            };
            let send =
                async |method, path: &str| send(self.stage, method, path, token.as_deref(), place, self.title).await;
            let answer = send(Method::POST, "/playback-sessions").await;
            let happened = Outcome::happened(&answer);
            prop_assert_eq!(said, &happened, "{} {}", path, self.stage.server.now());
            self.seen.insert(happened.rule.clone());
            if !happened.allow {
                continue;
            }
            let body = answer.json();
            let plays = if happened.answer == "free" {
                self.stage.server.get_from(place, body["playback_url"].as_str().unwrap()).await
            } else {
                self.stage.key(place, &body).await
            };
            prop_assert_eq!(plays.status, StatusCode::OK, "{} {}", path, crate::server::outcome(&plays));
            if open.is_none() {
                *open = Some(Open { body, territory: place });
            } else {
                let ended = send(Method::DELETE, &format!("/playback-sessions/{}", body["id"].as_str().unwrap())).await;
                prop_assert_eq!(ended.status, StatusCode::NO_CONTENT);
            }
        }
        Ok(())
    }

    /// The next request of a session that is open is answered as its explanation says, where it was opened and elsewhere.
    async fn go_on(&mut self, elsewhere: &str) -> Result<(), TestCaseError> {
        let now = self.stage.server.now();
        for open in &mut self.open {
            let Some(Open { body, territory }) = open else { continue };
            let mut is_refused = false;
            for place in BTreeSet::from([elsewhere, territory]) {
                let id = body["id"].as_str().unwrap();
                let path = format!("/operator/playback-sessions/{id}/explain?territory={place}&at={now}");
                let answer = self.stage.server.api(&self.stage.server.operator, &path).await;
                let said = Outcome::explained(&answer.json());
                let playlist = self.stage.server.get_from(place, body["playback_url"].as_str().unwrap()).await;
                let is_open = playlist.status == StatusCode::OK;
                if playlist.status == StatusCode::UNAUTHORIZED {
                    let is_over = at(body["expires_at"].as_str().unwrap()) <= now;
                    prop_assert!(is_over && !said.allow, "{} {:?} {}", now, said, body);
                } else {
                    let happened = if is_open { said.answer.clone() } else { playlist.code() };
                    prop_assert_eq!((said.allow, &said.answer), (is_open, &happened), "{} {}", now, body);
                }
                is_refused |= !is_open && place == *territory;
                self.seen.insert(said.rule);
            }
            if is_refused {
                *open = None;
            }
        }
        Ok(())
    }
}

async fn send(
    stage: &Stage,
    method: Method,
    path: &str,
    token: Option<&str>,
    territory: &str,
    title: TitleId,
) -> Answer {
    let request = stage.server.client.request(method, format!("{}/api/v1{path}", stage.server.base));
    let request = request.header("x-country", territory).json(&json!({"title_id": title}));
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    stage.server.send(request).await
}
