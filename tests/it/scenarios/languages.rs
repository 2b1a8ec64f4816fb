//! In which languages and how tall a film may be had, window by window.

use marquee::base::clock::UtcMs;
use marquee::base::id::{AssetId, TitleId};
use marquee::catalog::asset::{Asset, AssetDetails, AssetState};
use marquee::media::rendition::{AssetIndex, TrackIndex, TrackMedia};
use marquee::packager::publish::publish;
use marquee::packager::summary;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Backend, Sold, Stage, at, pvod, rental, window};
use crate::film;
use crate::server::outcome;

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const CHANGES: &str = "2027-01-29T20:00:00+08:00";

/// The test film in three sizes, four sounds and two languages of words: the same bytes under several names.
pub async fn film(stage: &Stage) -> AssetId {
    let packaged = film::packaged().await;
    let id = AssetId::new(stage.server.now());
    let folder = packaged.dir.with_file_name(format!("languages-{id}"));
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(&packaged.dir).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let named = |name: &str, edit: &dyn Fn(&mut TrackMedia)| {
        let is_alike = |track: &&TrackIndex| track.id.as_bytes()[0] == name.as_bytes()[0];
        let source = packaged.index.tracks.iter().find(is_alike).unwrap();
        let mut track = TrackIndex { id: name.to_owned(), ..source.clone() };
        edit(&mut track.media);
        std::fs::copy(packaged.dir.join(source.file_name()), folder.join(track.file_name())).unwrap();
        track
    };
    let picture = |name: &str, size: (u32, u32)| {
        named(name, &|media| {
            if let TrackMedia::Video(video) = media {
                (video.width, video.height) = size;
            }
        })
    };
    let sound = |name: &str, language: Option<&str>| {
        named(name, &|media| {
            if let TrackMedia::Audio(audio) = media {
                audio.language = language.map(str::to_owned);
                audio.name = name.to_owned();
                audio.is_default = name == "a-fr-2";
            }
        })
    };
    let words = |name: &str, language: &str| {
        named(name, &|media| {
            if let TrackMedia::Text(text) = media {
                (text.language, text.name) = (Some(language.to_owned()), name.to_owned());
            }
        })
    };
    let index = AssetIndex {
        storyboard: packaged.index.storyboard,
        ..AssetIndex::new(vec![
            picture("v1080", (1920, 1080)),
            picture("v576", (1024, 576)),
            picture("v360", (640, 360)),
            sound("a-fr-2", Some("fr")),
            sound("a-en-2", Some("en")),
            sound("a-yue-2", Some("yue")),
            sound("a-und-2", None),
            words("t-en", "en"),
            words("t-zh-hant", "zh-Hant"),
        ])
    };
    publish(&stage.server.app.blobs, id, &folder, &index).await.unwrap();
    let asset = Asset {
        id,
        source_name: "film.mp4".into(),
        duration_ms: index.duration_ms as i64,
        created_at: stage.server.now(),
        details: AssetDetails { packaged: Some(summary::packaged(&index, &[])), ..AssetDetails::default() },
        state: AssetState::Complete,
    };
    stage.server.app.db.insert_asset(&asset).await.unwrap();
    id
}

fn with(mut window: Value, languages: Value, format_profile: &str) -> Value {
    (window["languages"], window["format_profile"]) = (languages, json!(format_profile));
    window
}

/// A session of whoever has no account, or why there is none.
async fn opened(stage: &Stage, territory: &str, title: TitleId) -> Result<Value, String> {
    let url = format!("{}/api/v1/playback-sessions", stage.server.base);
    let request = stage.server.client.post(url).header("x-country", territory);
    let answer = stage.server.send(request.json(&json!({"title_id": title}))).await;
    if answer.status == StatusCode::CREATED { Ok(answer.json()) } else { Err(outcome(&answer)) }
}

fn folder(opened: &Value) -> &str {
    opened["playback_url"].as_str().unwrap().strip_suffix("main.m3u8").unwrap()
}

/// The tracks that a session's playlist names, each once, in the order of their names.
async fn listed(stage: &Stage, territory: &str, opened: &Value) -> String {
    let main = stage.server.get_from(territory, opened["playback_url"].as_str().unwrap()).await;
    assert_eq!(main.status, StatusCode::OK, "{}", main.text());
    let text = main.text();
    let uris = text.split(['"', '\n']).filter_map(|part| part.strip_suffix(".m3u8")?.split('/').nth(1));
    let mut tracks: Vec<&str> = uris.collect();
    tracks.sort_unstable();
    tracks.dedup();
    tracks.join(" ")
}

pub async fn a_window_keeps_languages_and_rungs_back(backend: Backend) {
    let stage = Stage::open(backend, "2027-01-10T20:00:00+08:00").await;
    let asset = film(&stage).await;
    let body =
        json!({"name": {"en": "A film"}, "assets": [asset], "status": "live", "country": "NL", "protection": "cbcs"});
    let title: TitleId = stage.made("/titles", body).await.parse().unwrap();

    // Free in China, in two windows; each has its own languages, and the second one taller pictures.
    let first = with(window("avod", &["CN"], OPENS, Some(CHANGES)), json!({"hold_back": ["fr", "en:sub"]}), "sd");
    let first = stage.avail(title, first).await;
    let second = with(window("avod", &["CN"], CHANGES, None), json!({"allow": ["zh", "en:dub"]}), "hd");
    let second = stage.avail(title, second).await;
    let before = "a-en-2 a-und-2 a-yue-2 t-zh-hant v360 v576";
    let after = "a-en-2 a-yue-2 t-zh-hant v1080 v360 v576";
    let mut kept = Vec::new();
    for (instant, expected) in [(OPENS, ["WINDOW_NOT_OPEN", before, before]), (CHANGES, [before, after, after])] {
        // A token lives for a day.
        kept.clear();
        for (n, offset_ms) in [-1, 0, 1].into_iter().enumerate() {
            stage.server.sim.advance_to(UtcMs(at(instant).0 + offset_ms));
            let found = match opened(&stage, "CN", title).await {
                Ok(session) => {
                    let found = listed(&stage, "CN", &session).await;
                    kept.push((session, expected[n]));
                    found
                }
                Err(code) => code,
            };
            assert_eq!(found, expected[n], "{instant} {offset_ms}");
        }
    }
    // What was opened keeps its caps, whatever the window is now.
    for (session, expected) in &kept {
        assert_eq!(listed(&stage, "CN", session).await, *expected);
    }

    // What is kept back is not there for whoever knows its name, and the rest is.
    let (session, _) = &kept[0];
    let folder = format!("{}{asset}", folder(session));
    for (track, status) in [
        ("v1080", StatusCode::NOT_FOUND),
        ("a-fr-2", StatusCode::NOT_FOUND),
        ("t-en", StatusCode::NOT_FOUND),
        ("v576", StatusCode::OK),
        ("a-und-2", StatusCode::OK),
        ("t-zh-hant", StatusCode::OK),
    ] {
        let paths = match &track[..1] {
            "t" => vec!["t.m3u8", "t/0.vtt"],
            "a" => vec!["t.m3u8", "t/init.mp4", "t/0.m4s"],
            _ => vec!["t.m3u8", "t/init.mp4", "t/0.m4s", "t/iframes.m3u8", "t/i0.m4s"],
        };
        for path in paths {
            let path = format!("{folder}/{}", path.replacen('t', track, 1));
            let answer = stage.server.get_from("CN", &path).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(status == StatusCode::OK || answer.code() == "MEDIA_NOT_FOUND", "{path}");
        }
    }

    // An open window lets out more, and never less.
    let patch = async |avail: &str, body: Value| {
        outcome(&stage.operate(Method::PATCH, &format!("/avails/{avail}"), &body).await)
    };
    for (body, expected) in [
        (json!({"languages": {"allow": ["zh"]}}), "AVAIL_IN_USE"),
        (json!({"format_profile": "sd"}), "AVAIL_IN_USE"),
        (json!({"languages": {"allow": ["zh:sub"]}}), "LANGUAGES_INVALID"),
        (json!({"languages": {"allow": ["zh", "en", "fr:dub"]}, "format_profile": "uhd"}), "200"),
    ] {
        assert_eq!(patch(&second, body.clone()).await, expected, "{body}");
    }
    let plan = format!("/titles/{title}/plan");
    let narrower = json!({"moved_avails": [{"id": second, "languages": {"allow": ["zh", "en"]}}]});
    assert_eq!(outcome(&stage.operate(Method::POST, &plan, &narrower).await), "AVAIL_IN_USE");
    assert_eq!(patch(&first, json!({"languages": null})).await, "200", "nothing is kept back any more");
    let more = opened(&stage, "CN", title).await.unwrap();
    assert_eq!(listed(&stage, "CN", &more).await, "a-en-2 a-fr-2 a-yue-2 t-en t-zh-hant v1080 v360 v576");
    assert_eq!(listed(&stage, "CN", &kept.last().unwrap().0).await, after);

    // Licences are given for what is shown, and for nothing else.
    let whole = stage.sell(title, window("vod", &["US"], OPENS, None), pvod()).await;
    let capped = with(window("vod", &["GB"], OPENS, None), json!({"allow": ["en"]}), "sd");
    let capped = stage.sell(title, capped, pvod()).await;
    let (ann, bob) = (stage.server.viewer("ann").await, stage.server.viewer("bob").await);
    stage.buys_in("US", &ann, &whole).await.unwrap();
    stage.buys_in("GB", &bob, &capped).await.unwrap();
    let whole = stage.opens_in("US", &ann, title).await.unwrap();
    let session = stage.opens_in("GB", &bob, title).await.unwrap();
    assert_eq!(listed(&stage, "GB", &session).await, "a-en-2 t-en v360 v576");
    for (track, expected) in [("v576", "200"), ("v1080", "LICENSE_KEY_UNKNOWN"), ("a-fr-2", "LICENSE_KEY_UNKNOWN")] {
        let playlist = format!("{}{asset}/{track}.m3u8", self::folder(&whole));
        let playlist = stage.server.get_from("US", &playlist).await;
        let key = playlist.text();
        let key = key.split("data:text/plain;base64,").nth(1).and_then(|rest| rest.split('"').next());
        let key = key.expect("its key is named").replace('+', "-").replace('/', "_");
        let url = format!("{}{}license/clearkey", stage.server.base, self::folder(&session));
        let request = json!({"kids": [key.trim_end_matches('=')], "type": "temporary"});
        let answer = stage.server.client.post(url).header("x-country", "GB").json(&request);
        assert_eq!(outcome(&stage.server.send(answer).await), expected, "{track}");
    }
    stage.end().await;
}

pub async fn what_cannot_be_heard_is_neither_played_nor_sold(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let body = json!({"name": {"en": "A film"}, "assets": [film(&stage).await], "status": "live", "country": "NL"});
    let title: TitleId = stage.made("/titles", body).await.parse().unwrap();
    let only = |kind: &str, language: &str| {
        with(window(kind, &["DE"], OPENS, Some(CHANGES)), json!({"allow": [language]}), "uhd")
    };
    // Before the first window keeps anything back, it can be asked what one would.
    let asked = json!({"plan": {"new_avails": [only("avod", "ja")]}, "territory": "DE"});
    let told = stage.done(Method::POST, &format!("/titles/{title}/plan/explain"), asked).await;
    assert_eq!(told["code"], "LANGUAGE_HELD_BACK", "{told}");
    let free = stage.avail(title, only("avod", "ja")).await;
    let paid = stage.avail(title, only("vod", "ja")).await;
    let sold = Sold { title, offer: stage.made(&format!("/avails/{paid}/offers"), rental(1800)).await };
    let ann = stage.server.viewer("ann").await;
    assert_eq!(opened(&stage, "DE", title).await, Err("LANGUAGE_HELD_BACK".into()));
    assert_eq!(stage.buys_in("DE", &ann, &sold).await, Err("LANGUAGE_HELD_BACK".into()));
    let path = format!("/operator/explain?title_id={title}&territory=DE");
    let explained = stage.server.api(&stage.server.operator, &path).await.json();
    let step = explained["steps"].as_array().unwrap().iter().find(|step| step["check"] == "languages").unwrap();
    assert_eq!((&explained["code"], &explained["rule"]), (&json!("LANGUAGE_HELD_BACK"), &json!("languages")));
    assert_eq!((&step["outcome"], &step["facts"]["avail_id"]), (&json!("fail"), &json!(free)));
    assert_eq!(step["facts"]["caps"]["languages"], json!({"allow": ["ja"]}));
    assert_eq!(step["facts"]["sound"], json!(["fr", "en", "yue", null]));
    let shown = stage.server.send(
        stage.server.client.get(format!("{}/api/v1/titles/{title}", stage.server.base)).header("x-country", "DE"),
    );
    let shown = shown.await.json();
    assert_eq!(
        (&shown["decision"]["code"], &shown["offers"][0]["on_sale"]),
        (&json!("LANGUAGE_HELD_BACK"), &json!(false))
    );

    // What can be heard in the paid window is sold, and plays although the free one, which comes first, is mute.
    stage.done(Method::PATCH, &format!("/avails/{paid}"), json!({"languages": {"allow": ["ja", "en"]}})).await;
    stage.buys_in("DE", &ann, &sold).await.unwrap();
    let session = stage.opens_in("DE", &ann, title).await.unwrap();
    assert_eq!(
        (session["via"].as_str(), &*listed(&stage, "DE", &session).await),
        (Some("grant"), "a-en-2 t-en v1080 v360 v576")
    );

    // Where nobody has noted what a film speaks, that is found when it is opened, and no stream is taken.
    let silent = stage.title("Unknown", "NL").await;
    let unknown = with(window("vod", &["DE"], OPENS, None), json!({"allow": ["en"]}), "uhd");
    let sold = stage.sell(silent, unknown, pvod()).await;
    stage.buys_in("DE", &ann, &sold).await.unwrap();
    for _ in 0..2 {
        assert_eq!(stage.opens_in("DE", &ann, silent).await, Err("LANGUAGE_HELD_BACK".into()));
    }
    stage.end().await;
}

/// Three licensors of three languages: two windows for members that are open at once, and a partner who alone has the third.
pub async fn languages_are_licensed_one_by_one(backend: Backend) {
    let stage = Stage::open(backend, OPENS).await;
    let asset = film(&stage).await;
    let body =
        json!({"name": {"en": "A film"}, "assets": [asset], "status": "live", "country": "NL", "protection": "cbcs"});
    let title: TitleId = stage.made("/titles", body).await.parse().unwrap();
    let in_language =
        |languages: Value| with(window("svod", &["CN"], OPENS, Some(CHANGES)), json!({"allow": languages}), "hd");
    let english = stage.avail(title, in_language(json!(["en:dub", "*:sub"]))).await;
    // The one that was made first goes first.
    stage.server.sim.advance(std::time::Duration::from_millis(1));
    let cantonese = stage.avail(title, in_language(json!(["yue"]))).await;
    let path = format!("/titles/{title}/avails");
    for (languages, expected) in [
        (json!(["zh"]), vec![&cantonese]),
        (json!(["*"]), vec![&english, &cantonese]),
        (json!(["en-GB"]), vec![&english]),
    ] {
        let refused = stage.operate(Method::POST, &path, &in_language(languages)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "AVAIL_CONFLICT".into()));
        let met: Vec<Value> = refused.json()["conflicts"].as_array().unwrap().clone();
        let met: Vec<_> = met.iter().map(|met| (met["code"].clone(), met["avail_id"].clone())).collect();
        let expected: Vec<_> = expected.iter().map(|avail| (json!("OVERLAP"), json!(avail))).collect();
        assert_eq!(met, expected);
    }

    // French is a partner's alone, whose viewers play here and hear nothing else.
    let platform = super::partners::Platform::open("panda").await;
    let party = stage.party("Panda", "partner", Some(&platform)).await;
    let deal = json!({"party_id": party, "carriage": {"kind": "platform", "license_type": "svod", "streams": 1},
        "territories": {"include": ["CN"]}, "languages": {"allow": ["fr"]}, "format_profile": "sd",
        "start_at": OPENS, "end_at": CHANGES, "zone": "Asia/Shanghai", "exclusivity": {}});
    stage.made(&format!("/titles/{title}/deals"), deal).await;
    let refused = stage.operate(Method::POST, &path, &in_language(json!(["fr"]))).await;
    assert_eq!(refused.json()["conflicts"][0]["code"], "EXCLUSIVE");
    let session = stage.partner_plays(&platform.play(&stage, title, "their-ada"), "CN").await.unwrap();
    assert_eq!(listed(&stage, "CN", &session).await, "a-fr-2 v360 v576");
    // Another deal of the same party is about a language that the film does not speak, and a third one about Cantonese.
    for language in ["ja", "yue"] {
        stage.server.sim.advance(std::time::Duration::from_millis(1));
        let deal = json!({"party_id": party, "carriage": {"kind": "platform", "license_type": "svod", "streams": 1},
            "territories": {"include": ["CN"]}, "languages": {"allow": [language]}, "start_at": OPENS,
            "end_at": CHANGES, "zone": "Asia/Shanghai"});
        stage.made(&format!("/titles/{title}/deals"), deal).await;
    }
    let played = async |language: &str, subject: &str| {
        let url = format!("{}/api/v1/partner/playback-sessions", stage.server.base);
        let token = platform.play(&stage, title, subject);
        let request = stage.server.client.post(url).header("x-country", "CN").bearer_auth(token);
        let answer = stage.server.send(request.json(&json!({"language": language}))).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        listed(&stage, "CN", &answer.json()).await
    };
    assert_eq!(played("yue", "their-bob").await, "a-yue-2 v1080 v360 v576");
    assert_eq!(played("ja", "their-eve").await, "a-fr-2 v360 v576");

    let member = stage.server.viewer("member").await;
    stage.membership(&member, "2027-12-31T00:00:00Z").await;
    for (language, avail, expected) in [
        (None, &english, "a-en-2 t-en t-zh-hant v1080 v360 v576"),
        (Some("en-US"), &english, "a-en-2 t-en t-zh-hant v1080 v360 v576"),
        (Some("yue"), &cantonese, "a-yue-2 v1080 v360 v576"),
        (Some("zh"), &cantonese, "a-yue-2 v1080 v360 v576"),
        (Some("fr"), &english, "a-en-2 t-en t-zh-hant v1080 v360 v576"),
    ] {
        let url = format!("{}/api/v1/playback-sessions", stage.server.base);
        let body = json!({"title_id": title, "language": language});
        let request = stage.server.client.post(url).header("x-country", "CN").bearer_auth(&member.token).json(&body);
        let answer = stage.server.send(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let session = answer.json();
        assert_eq!(listed(&stage, "CN", &session).await, expected, "{language:?}");
        let language = language.map(|tag| format!("&language={tag}")).unwrap_or_default();
        let path = format!("/explain?title_id={title}&viewer_id={}&territory=CN{language}", member.id);
        let said = stage.done(Method::GET, &path, json!({})).await;
        let used = said["steps"].as_array().unwrap().iter().rfind(|step| step["check"] == "languages").unwrap();
        assert_eq!((&said["rule"], &used["facts"]["avail_id"]), (&json!("membership"), &json!(avail)));
        let revoke = format!("/playback-sessions/{}/revoke", session["id"].as_str().unwrap());
        stage.done(Method::POST, &revoke, json!({"reason": "operator"})).await;
    }
    // The title's page says what there is to choose from, and nothing where there is nothing to choose.
    let page = async |token: &str| {
        let page = stage.server.client.get(format!("{}/api/v1/titles/{title}", stage.server.base)).bearer_auth(token);
        stage.server.send(page.header("x-country", "CN")).await.json()["parts"][0]["heard"].clone()
    };
    let heard = |language: &str, is_first: bool| json!({"language": language, "via": "membership", "starts_clock": false, "is_first": is_first});
    assert_eq!(page(&member.token).await, json!([heard("en", true), heard("yue", false)]));
    assert_eq!(page(&stage.server.viewer("stranger").await.token).await, json!([]));
    let url = format!("{}/api/v1/playback-sessions", stage.server.base);
    let wrong = json!({"title_id": title, "language": "Cantonese please"});
    let answer = stage.server.send(stage.server.client.post(url).json(&wrong)).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, "FIELD_INVALID".into()));
    stage.end().await;
}
