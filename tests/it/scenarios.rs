//! The worked scenarios of the domain: release plans made through the API of a real server whose clock the test moves,
//! and what viewers get at each boundary. Every one runs on SQLite and on PostgreSQL.

use marquee::base::clock::UtcMs;
use marquee::base::id::TitleId;
use marquee::config::Config;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::postgres_server::PostgresServer;
use crate::server::{Answer, Server, TestViewer, outcome};

mod campaigns;
mod cashier;
mod cinemas;
mod devices;
mod explanations;
mod gifts;
mod hooks;
mod languages;
mod licences;
mod life;
mod members;
mod order;
mod outages;
mod parties;
mod partners;
mod payments;
mod placements;
mod previews;
mod releases;
mod rentals;
mod screeners;
mod seasons;
mod series;
mod showcases;

macro_rules! scenarios {
    ($($room:ident: $($case:ident)*;)*) => {
        mod in_sqlite {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$room::$case(super::Backend::Sqlite).await;
            })*)*
        }

        mod in_postgres {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$room::$case(super::Backend::Postgres).await;
            })*)*
        }
    };
}

scenarios! {
    campaigns:
        a_campaign_is_carried_to_the_order;
    cashier:
        what_is_bought_for_good_plays_on
        members_and_coins_are_bought_at_the_cashier
        a_bundle_is_bought_whole
        a_coupon_makes_it_cheaper;
    cinemas:
        online_waits_for_the_strictest_circuit
        a_territory_waits_for_another_ones_opening
        a_cinema_opening_and_the_window_online_move_together
        online_waits_for_the_deal_of_a_circuit;
    devices:
        a_sixth_device_plays_once_one_of_five_is_signed_out
        a_device_loses_its_place_when_its_sign_in_ends
        an_episode_is_unlocked_unasked_on_a_device_of_the_account_only
        of_two_devices_at_one_moment_one_gets_the_last_place
        a_browser_that_signs_in_again_keeps_its_place;
    explanations:
        what_is_explained_is_what_happens;
    gifts:
        a_code_that_is_refused_is_intact
        each_code_in_thirty_hands_is_one_grant;
    hooks:
        an_operators_own_billing_says_who_may_watch;
    languages:
        a_window_keeps_languages_and_rungs_back
        languages_are_licensed_one_by_one
        what_cannot_be_heard_is_neither_played_nor_sold;
    licences:
        a_production_that_is_key_is_not_ordinary
        a_paid_offer_of_a_chinese_title_needs_its_licence
        a_deal_in_china_of_what_is_not_cleared_there_is_warned_of
        where_nobody_has_said_where_it_was_made_nothing_is_offered_in_china
        the_desk_names_what_waits_there
        a_renamed_title_is_not_sold_until_its_licence_is_confirmed_again
        a_revoked_licence_ends_sale_and_viewing_at_once
        a_revoked_licence_gives_the_money_back;
    life:
        a_film_lives_from_its_planning_to_its_revocation;
    members:
        early_access_lasts_as_long_as_the_membership
        early_access_that_is_paid_too_late_is_given_back
        a_film_that_was_begun_is_finished_after_the_membership;
    order:
        the_device_the_pin_and_then_the_streams_are_asked_last;
    outages:
        what_an_outage_took_is_given_back;
    parties:
        people_of_other_parties_see_what_is_theirs;
    partners:
        three_platforms_share_a_premiere
        a_partner_reports_its_own_premiere
        the_key_of_a_package_waits_for_the_premiere
        a_partners_token_is_believed_within_its_bounds;
    payments:
        a_price_is_that_of_whoever_is_a_member_when_it_is_paid
        what_members_get_within_a_day_is_bought_knowingly
        a_sale_ends_before_its_window;
    placements:
        a_clean_edit_is_shown_where_a_placement_may_not_be;
    previews:
        a_preview_lasts_as_long_as_its_window;
    releases:
        a_date_opens_in_each_territory_at_its_midnight
        one_instant_opens_everywhere_at_once
        nobody_is_told_of_a_title_before_it_is_announced
        a_plan_is_explained_before_it_is_saved;
    rentals:
        a_member_price_outlives_the_membership
        a_rental_is_started_in_time_or_not_at_all
        a_member_starts_no_rental_that_the_membership_spares
        a_window_flips_while_people_watch
        a_renter_travels
        who_lives_in_the_union_takes_films_along
        one_rental_plays_in_one_place
        the_past_is_explained_as_it_was;
    screeners:
        an_invited_viewer_sees_what_nobody_else_does;
    seasons:
        seasons_are_titles_of_one_series;
    series:
        a_series_is_unlocked_episode_by_episode
        an_episode_unlocked_from_two_tabs_is_paid_for_once;
    showcases:
        a_channel_shows_films_together;
}

#[derive(Clone, Copy, Debug)]
enum Backend {
    Sqlite,
    Postgres,
}

/// A server with a plan.
struct Stage {
    server: Server,
}

/// A title with one window that is sold, and its offer.
#[derive(Clone, Debug)]
struct Sold {
    title: TitleId,
    offer: String,
}

fn at(text: &str) -> UtcMs {
    UtcMs::parse(text).unwrap()
}

/// Open at `start`, closed at `end`.
fn window(license_type: &str, territories: &[&str], start: &str, end: Option<&str>) -> Value {
    json!({"license_type": license_type, "territories": {"include": territories}, "start_at": start, "end_at": end,
        "zone": "Asia/Shanghai"})
}

/// ¥18, for members ¥9, for 48 hours from the purchase.
fn pvod() -> Value {
    json!({"kind": "pvod", "list_price": {"amount": 1800, "currency": "CNY"},
        "member_price": {"amount": 900, "currency": "CNY"}, "clock": {"on_purchase": {"watch_s": 48 * 3600}}})
}

/// Started within 30 days, then watched for 48 hours.
fn rental(amount: i64) -> Value {
    json!({"kind": "rental", "list_price": {"amount": amount, "currency": "CNY"},
        "clock": {"on_first_play": {"start_within_s": 30 * 24 * 3600, "watch_s": 48 * 3600}}})
}

impl Stage {
    async fn open(backend: Backend, start: &str) -> Stage {
        Stage::open_with(backend, start, |_| {}).await
    }

    async fn open_with(backend: Backend, start: &str, change: impl FnOnce(&mut Config)) -> Stage {
        let url = match backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(PostgresServer::of_this_process().new_database().await),
        };
        let server = Server::start_at(at(start), |config| {
            config.database.url = url;
            change(config);
        });
        Stage { server: server.await }
    }

    async fn operate(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.server.request(method, &format!("/api/v1/operator{path}"));
        self.server.send(request.bearer_auth(&self.server.operator).json(body)).await
    }

    /// What an operator does that must work.
    async fn done(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.operate(method, path, &body).await;
        assert!(answer.status.is_success(), "{path} {body}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    async fn made(&self, path: &str, body: Value) -> String {
        self.done(Method::POST, path, body).await["id"].as_str().unwrap().to_owned()
    }

    /// A live title of the test film, made in `country`.
    async fn title(&self, name: &str, country: &str) -> TitleId {
        let assets = [self.server.asset().await];
        let body = json!({"name": {"zh-CN": name}, "assets": assets, "status": "live", "country": country});
        self.made("/titles", body).await.parse().unwrap()
    }

    async fn avail(&self, title: TitleId, window: Value) -> String {
        self.made(&format!("/titles/{title}/avails"), window).await
    }

    async fn sell(&self, title: TitleId, window: Value, offer: Value) -> Sold {
        let avail = self.avail(title, window).await;
        let offer = self.made(&format!("/avails/{avail}/offers"), offer).await;
        Sold { title, offer }
    }

    async fn membership(&self, viewer: &TestViewer, ends_at: &str) {
        let plan = self.made("/plans", json!({"name": "plan", "streams": 2})).await;
        self.made("/memberships", json!({"viewer_id": viewer.id, "plan_id": plan, "ends_at": ends_at})).await;
    }

    fn to(&self, instant: &str) {
        self.server.sim.advance_to(at(instant));
    }

    async fn from(&self, territory: &str, token: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}/api/v1{path}", self.server.base);
        let request = self.server.client.post(url).header("x-country", territory).bearer_auth(token).json(body);
        self.server.send(request.header("idempotency-key", uuid::Uuid::now_v7().to_string())).await
    }

    /// The purchase, or why it was refused.
    async fn buys_in(&self, territory: &str, viewer: &TestViewer, sold: &Sold) -> Result<Value, String> {
        let viewer = self.server.signed_in_again(viewer).await;
        let body = json!({"offer_id": sold.offer, "payment": {"method": "sandbox", "outcome": "paid"}});
        let answer = self.from(territory, &viewer.token, "/purchases", &body).await;
        if answer.status == StatusCode::CREATED { Ok(answer.json()) } else { Err(answer.code()) }
    }

    async fn buys(&self, viewer: &TestViewer, sold: &Sold) -> Result<Value, String> {
        self.buys_in("CN", viewer, sold).await
    }

    /// The purchase of what members get soon, by somebody who knows from when.
    async fn buys_soon(&self, viewer: &TestViewer, sold: &Sold, members_from: &str) -> Value {
        let viewer = self.server.signed_in_again(viewer).await;
        let body = json!({"offer_id": sold.offer, "payment": {"method": "sandbox", "outcome": "paid"},
            "accepted_members_from_at": members_from});
        let answer = self.from("CN", &viewer.token, "/purchases", &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    async fn opens_in(&self, territory: &str, viewer: &TestViewer, title: TitleId) -> Result<Value, String> {
        let viewer = self.server.signed_in_again(viewer).await;
        let answer = self.from(territory, &viewer.token, "/playback-sessions", &json!({"title_id": title})).await;
        if answer.status == StatusCode::CREATED { Ok(answer.json()) } else { Err(answer.code()) }
    }

    /// A session and its first key: the instant from which nothing plays, or why not.
    async fn plays_in(&self, territory: &str, viewer: &TestViewer, title: TitleId) -> Result<Value, String> {
        let opened = self.opens_in(territory, viewer, title).await?;
        let answer = self.key(territory, &opened).await;
        if answer.status == StatusCode::OK { Ok(opened) } else { Err(outcome(&answer)) }
    }

    async fn plays(&self, viewer: &TestViewer, title: TitleId) -> Result<Value, String> {
        self.plays_in("CN", viewer, title).await
    }

    /// The key of a session's film.
    async fn key(&self, territory: &str, opened: &Value) -> Answer {
        let main = opened["playback_url"].as_str().unwrap();
        let playlist = self.server.get_from(territory, main).await;
        if playlist.status != StatusCode::OK {
            return playlist;
        }
        let media =
            playlist.text().lines().find(|line| line.ends_with("v360.m3u8")).expect("the rung of the test film");
        let folder = main.strip_suffix("main.m3u8").unwrap();
        self.server.get_from(territory, &format!("{folder}{}/key", media.strip_suffix(".m3u8").unwrap())).await
    }

    /// `ok`, or why a session's key is refused.
    async fn goes_on(&self, opened: &Value) -> String {
        let answer = self.key("CN", opened).await;
        if answer.status == StatusCode::OK { "ok".into() } else { outcome(&answer) }
    }

    /// What the explanation of an instant says: the code, or what is used.
    async fn explained(&self, viewer: &TestViewer, title: TitleId, territory: &str, instant: UtcMs) -> String {
        let path =
            format!("/operator/explain?title_id={title}&viewer_id={}&territory={territory}&at={instant}", viewer.id);
        let answer = self.server.api(&self.server.operator, &path).await.json();
        answer["code"].as_str().or(answer["via"].as_str()).unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A player tells that the film of a session was watched from its beginning to here.
    async fn watched(&self, viewer: &TestViewer, opened: &Value, to_ms: i64) {
        let path = format!("/playback-sessions/{}/telemetry", opened["id"].as_str().unwrap());
        let begin = json!({"sent_at_ms": 100, "events": [{"at_ms": 0, "kind": "play_pressed"},
            {"at_ms": 50, "kind": "first_frame", "startup_ms": 50},
            {"at_ms": 100, "kind": "position", "position_ms": 0, "playing": true, "rate": 1.0}]});
        let viewer = self.server.signed_in_again(viewer).await;
        assert!(self.from("CN", &viewer.token, &path, &begin).await.status.is_success());
        self.server.sim.advance(std::time::Duration::from_millis(to_ms.unsigned_abs()));
        let end = json!({"sent_at_ms": 100 + to_ms, "events": [{"at_ms": 100 + to_ms, "kind": "position",
            "position_ms": to_ms, "playing": true, "rate": 1.0}]});
        let answer = self.from("CN", &viewer.token, &path, &end).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        self.server.app.audience.collector.write_queued().await;
    }

    async fn end(self) {
        self.server.stop().await;
    }
}

/// What a session or a purchase was refused with, or `ok`.
fn code(result: &Result<Value, String>) -> &str {
    result.as_ref().map_or_else(String::as_str, |_| "ok")
}
