//! Release plans as a whole: changed in one step, and exchanged as Avails documents.

use std::path::{Path, PathBuf};
use std::process::Command;

use marquee::base::id::TitleId;
use marquee::rights::avail::Avail;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, Server};

struct Desk {
    server: Server,
    title: TitleId,
}

impl Desk {
    async fn open() -> Desk {
        let server = Server::start().await;
        let title = server.title(server.asset().await).await;
        Desk { server, title }
    }

    async fn operate(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.server.request(method, &format!("/api/v1/operator{path}"));
        self.server.send(request.bearer_auth(&self.server.operator).json(body)).await
    }

    async fn avail(&self, license_type: &str, territories: Value, start: &str, end: Option<&str>) -> Value {
        let body = json!({"license_type": license_type, "territories": territories, "start_at": start, "end_at": end,
            "zone": "Asia/Shanghai", "description": "PVOD & <云影院>"});
        let made = self.operate(Method::POST, &format!("/titles/{}/avails", self.title), &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        made.json()
    }

    async fn change(&self, body: Value) -> Answer {
        self.operate(Method::POST, &format!("/titles/{}/plan", self.title), &body).await
    }

    async fn avails(&self, title: TitleId) -> Vec<Avail> {
        self.server.app.db.rights_of(title).await.unwrap().unwrap().avails
    }

    async fn export(&self) -> String {
        let answer = self.operate(Method::GET, &format!("/titles/{}/avails.xml", self.title), &json!({})).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/xml"));
        answer.text().to_owned()
    }

    async fn import(&self, document: &str, query: &str) -> Answer {
        let path = format!("/api/v1/operator/avails/import{query}");
        let request = self.server.request(Method::POST, &path).bearer_auth(&self.server.operator);
        self.server
            .send(request.header("content-type", "application/xml; charset=utf-8").body(document.to_owned()))
            .await
    }
}

/// The published schema; none, loudly, where it is not on this machine.
fn schema() -> Option<PathBuf> {
    let root = std::env::var_os("MARQUEE_TEST_SCHEMAS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/schemas"), PathBuf::from);
    let found = Some(root.join("avails/avails-v2.7.xsd")).filter(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the schema of Avails is missing and this is CI");
        eprintln!("NOT TESTED: the schema of Avails is missing; set MARQUEE_TEST_SCHEMAS to the folder of schemas");
    }
    found
}

fn is_valid(document: &str) {
    let Some(schema) = schema() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("avails.xml");
    std::fs::write(&file, document).unwrap();
    let done =
        Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(&file).output().unwrap();
    assert!(done.status.success(), "{}\n{document}", String::from_utf8_lossy(&done.stderr));
}

/// What an avail says, but for its id and its title.
fn content(mut avails: Vec<Avail>) -> Vec<Value> {
    avails.sort_by_key(|avail| (avail.window.start_at, avail.license_type.as_str()));
    let content = |avail: Avail| {
        let mut value = serde_json::to_value(avail).unwrap();
        value.as_object_mut().unwrap().retain(|name, _| name != "id" && name != "title_id");
        value
    };
    avails.into_iter().map(content).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_change_places_in_one_step_or_not_at_all() {
    let desk = Desk::open().await;
    let here = json!({"include": ["CN"]});
    let first = desk.avail("vod", here.clone(), "2037-01-01T00:00:00Z", Some("2037-02-01T00:00:00Z")).await;
    let second = desk.avail("vod", here.clone(), "2037-02-01T00:00:00Z", Some("2037-03-01T00:00:00Z")).await;
    let swap = json!({"moved_avails": [
        {"id": first["id"], "start_at": "2037-02-01T00:00:00Z", "end_at": "2037-03-01T00:00:00Z"},
        {"id": second["id"], "start_at": "2037-01-01T00:00:00Z", "end_at": "2037-02-01T00:00:00Z"},
    ], "new_avails": [{"license_type": "svod", "territories": here, "start_at": "2037-03-01T00:00:00Z", "zone": "UTC"}]});
    let before = desk.avails(desk.title).await;
    let mut dry = swap.clone();
    dry["dry_run"] = json!(true);
    let said = desk.change(dry).await;
    assert_eq!(
        (said.status, said.json()["moved_avails"].as_array().unwrap().len()),
        (StatusCode::OK, 2),
        "{}",
        said.text()
    );
    assert_eq!(desk.avails(desk.title).await, before, "nothing is written");
    let done = desk.change(swap.clone()).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let after = desk.avails(desk.title).await;
    let start_of = |avail: &Value| {
        let moved = after.iter().find(|other| json!(other.id) == avail["id"]).unwrap();
        moved.window.start_at.to_string()
    };
    assert_eq!([start_of(&first), start_of(&second)], ["2037-02-01T00:00:00.000Z", "2037-01-01T00:00:00.000Z"]);
    assert_eq!(after.len(), 3);

    // Again it would make the new window twice.
    let again = desk.change(swap).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "AVAIL_CONFLICT".to_owned()));
    assert_eq!(again.json()["conflicts"][0]["code"], "OVERLAP");
    let strange = "avl_00000000000000000000000001";
    for (body, status, code) in [
        (json!({"removed_avails": [first["id"], strange]}), 404, "AVAIL_NOT_FOUND"),
        (json!({"moved_avails": [{"id": strange}]}), 404, "AVAIL_NOT_FOUND"),
        (json!({"removed_holdbacks": ["hld_00000000000000000000000001"]}), 404, "HOLDBACK_NOT_FOUND"),
        (json!({"moved_avails": [{"id": first["id"]}], "removed_avails": [first["id"]]}), 422, "FIELD_INVALID"),
        (json!({"moved_avails": [{"id": first["id"], "zone": "UTC"}]}), 422, "FIELD_INVALID"),
        (json!({"moved_avails": [{"id": first["id"], "end_at": "2037-01-01T00:00:00Z"}]}), 422, "WINDOW_EMPTY"),
    ] {
        let answer = desk.change(body.clone()).await;
        assert_eq!((answer.status.as_u16(), &*answer.code()), (status, code), "{body}");
    }
    assert_eq!(desk.avails(desk.title).await, after, "nothing of what is refused is written");
    let gone = desk.change(json!({"removed_avails": [first["id"]]})).await;
    assert_eq!(gone.json()["removed_avails"], json!([first["id"]]));
    assert_eq!(desk.avails(desk.title).await.len(), 2);
    desk.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_avails_document_goes_out_and_comes_in_field_by_field() {
    let desk = Desk::open().await;
    let empty = desk.operate(Method::GET, &format!("/titles/{}/avails.xml", desk.title), &json!({})).await;
    assert_eq!((empty.status, empty.code()), (StatusCode::CONFLICT, "AVAILS_EMPTY".to_owned()));
    let pvod =
        desk.avail("vod", json!({"include": ["CN", "HK"]}), "2037-01-15T12:00:00Z", Some("2037-01-29T12:00:00Z")).await;
    let offer = json!({"kind": "pvod", "list_price": {"amount": 1800, "currency": "CNY"},
        "clock": {"on_purchase": {"watch_s": 172_800}}});
    let id = pvod["id"].as_str().unwrap();
    assert_eq!(desk.operate(Method::POST, &format!("/avails/{id}/offers"), &offer).await.status, StatusCode::CREATED);
    desk.operate(Method::PATCH, &format!("/avails/{id}"), &json!({"hard_end_at": "2037-03-01T00:00:00Z"})).await;
    desk.avail("svod", json!({"exclude": ["US"]}), "2037-01-29T12:00:00.5Z", None).await;
    let dates =
        json!({"license_type": "avod", "territories": {"include": ["DE", "US", "CN"]}, "start_date": "2038-03-26"});
    desk.operate(Method::POST, &format!("/titles/{}/release-dates", desk.title), &dates).await;
    let announced = json!({"announced_at": "2036-12-24T16:00:00Z"});
    let edited = desk.operate(Method::PATCH, &format!("/titles/{}", desk.title), &announced).await;
    assert_eq!(edited.status, StatusCode::OK, "{}", edited.text());
    let plan = desk.avails(desk.title).await;
    assert_eq!(plan.len(), 5);

    let document = desk.export().await;
    is_valid(&document);
    assert!(document.contains("<avails:Money currency=\"CNY\">18.00</avails:Money>"), "{document}");
    assert!(document.contains("<avails:Duration>PT48H</avails:Duration>"), "{document}");
    assert_eq!(document.matches("termName=\"SuppressionLiftDate\"").count(), 5, "of each window");
    let same = desk.import(&document, "").await;
    assert_eq!(same.status, StatusCode::OK, "{}", same.text());
    assert_eq!((&same.json()["changes"], &same.json()["unchanged"]), (&json!([]), &json!(5)));
    let first =
        ["SuppressionLiftDate", "SRP", "RentalDuration"].map(|term| format!("Avail[1]/Transaction[1]/Term[{term}]"));
    let notes: Vec<Value> = (0..3).map(|n| same.json()["notes"][n]["path"].clone()).collect();
    assert_eq!(json!(notes), json!(first));
    assert_eq!(desk.avails(desk.title).await, plan);

    // For a title that the document does not know, all of it is new.
    let other = desk.server.title(desk.server.asset().await).await;
    let foreign = document.replace(&desk.title.to_string(), "sofaspud.com:krfs");
    let unknown = desk.import(&foreign, "").await;
    assert_eq!(
        (unknown.code(), &unknown.json()["param"]),
        ("AVAILS_TITLE_UNKNOWN".to_owned(), &json!("Avail[1]/ALID"))
    );
    let mismatch = desk.import(&document, &format!("?title_id={other}")).await;
    assert_eq!(mismatch.code(), "AVAILS_TITLE_UNKNOWN");
    let query = format!("?title_id={other}");
    let dry = desk.import(&foreign, &format!("{query}&dry_run=true")).await;
    assert_eq!(dry.json()["changes"][0]["new_avails"].as_array().unwrap().len(), 5, "{}", dry.text());
    assert!(desk.avails(other).await.is_empty(), "nothing is written");
    assert_eq!(desk.import(&foreign, &query).await.status, StatusCode::OK);
    assert_eq!(content(desk.avails(other).await), content(plan.clone()), "field by field");
    let again = desk.import(&foreign, &query).await.json();
    assert_eq!((&again["changes"], &again["unchanged"]), (&json!([]), &json!(5)), "it is there already");

    // What is moved in the document is moved here; what is not in it any more goes.
    let start = document.find("<avails:Transaction TransactionID").unwrap();
    let second = start + 1 + document[start + 1..].find("<avails:Transaction TransactionID").unwrap();
    let shorter = format!("{}{}", &document[..start], &document[second..])
        .replace("2037-01-29T20:00:00.500", "2037-02-05T20:00:00");
    let gone = desk.import(&shorter, "").await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.text());
    let change = &gone.json()["changes"][0];
    assert_eq!((&change["removed_avails"], change["moved_avails"].as_array().unwrap().len()), (&json!([id]), 1));
    assert_eq!(desk.avails(desk.title).await.len(), 4);
    desk.server.stop().await;
}

/// What others stand on stays: the kind of a window, and the territories of one that has opened. A dry run says what would be
/// refused; prices that would go are named.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_takes_nothing_from_who_has_bought() {
    let desk = Desk::open().await;
    let here = json!({"include": ["CN", "HK"]});
    let open = desk.avail("vod", here.clone(), "2026-01-01T00:00:00Z", Some("2037-02-01T00:00:00Z")).await;
    let document = desk.export().await;
    let plan = desk.avails(desk.title).await;
    let update = document.replace("Full Extract", "Update");
    let elsewhere = "<avails:Territory><md:country>BR</md:country></avails:Territory>";
    let first = |document: &str| document.find("<avails:Territory>").unwrap();
    let after = document.rfind("</avails:Territory>").unwrap() + "</avails:Territory>".len();
    let moved = format!("{}{elsewhere}{}", &document[..first(&document)], &document[after..]);
    for (sent, code) in [
        (update.replace(">VOD<", ">AVOD<"), "AVAIL_KIND_FIXED"),
        (moved.clone(), "AVAIL_IN_USE"),
        (moved.replace("Full Extract", "Update"), "AVAIL_IN_USE"),
        (document.replace("Full Extract", "Full Delete"), "AVAIL_IN_USE"),
    ] {
        for query in ["?dry_run=true", ""] {
            let refused = desk.import(&sent, query).await;
            assert_eq!((refused.status, &*refused.code()), (StatusCode::CONFLICT, code), "{query} {}", refused.text());
        }
    }
    let gone = json!({"removed_avails": [open["id"]], "dry_run": true});
    assert_eq!(desk.change(gone).await.code(), "AVAIL_IN_USE");
    assert_eq!(desk.avails(desk.title).await, plan);
    // Territories may join.
    let wider = format!("{}{elsewhere}{}", &update[..first(&update)], &update[first(&update)..]);
    assert_eq!(desk.import(&wider, "?dry_run=true").await.status, StatusCode::OK);

    // Prices go with a window that has not opened, and are named.
    let later = desk.avail("svod", here, "2037-01-01T00:00:00Z", None).await;
    let id = later["id"].as_str().unwrap();
    let rental = desk.avail("vod", json!({"include": ["DE"]}), "2037-01-01T00:00:00Z", None).await;
    let offer = json!({"kind": "rental", "list_price": {"amount": 300, "currency": "EUR"},
        "clock": {"on_purchase": {"watch_s": 3600}}});
    let path = format!("/avails/{}/offers", rental["id"].as_str().unwrap());
    let offer = desk.operate(Method::POST, &path, &offer).await.json();
    let gone = desk.change(json!({"removed_avails": [rental["id"], id]})).await;
    assert_eq!(gone.json()["removed_offers"], json!([offer["id"]]), "{}", gone.text());
    let audit = desk.operate(Method::GET, "/audit?action=plan.change", &json!({})).await.json();
    let line = &audit["data"][0]["detail"];
    assert_eq!(line["before"]["avails"].as_array().unwrap().len(), 2, "what was there: {audit}");
    desk.change(json!({})).await;
    let audit = desk.operate(Method::GET, "/audit?action=plan.change", &json!({})).await.json();
    assert_eq!(audit["data"].as_array().unwrap().len(), 1, "nothing is no change");
    let described = |text: &str| {
        json!({"new_avails": [{"license_type": "avod", "territories": {}, "zone": "UTC",
            "start_at": "2037-01-01T00:00:00Z", "description": text}]})
    };
    for text in ["", "a\u{7}b", &"x".repeat(201)] {
        assert_eq!(desk.change(described(text)).await.code(), "FIELD_INVALID");
    }
    desk.server.stop().await;
}

/// The published sample is of a season's episodes and volumes, which are not executed here. Were each of them a title of its
/// own, its window would be taken over, and what is lost would be said.
#[tokio::test(flavor = "multi_thread")]
async fn the_published_sample_is_refused_where_it_is_of_episodes() {
    let Some(schema) = schema() else { return };
    let sample = std::fs::read_to_string(schema.with_file_name("sample-no-errors-v2.4.xml")).unwrap();
    let desk = Desk::open().await;
    let refused = async |document: &str, query: &str| {
        let answer = desk.import(document, query).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        let body = answer.json();
        [&body["code"], &body["param"], &body["detail"]].map(|value| value.as_str().unwrap().to_owned())
    };
    let says = |kind: &str| format!("Avail[1]/AvailType: \"{kind}\" is not executed here; single is.");
    let unsupported = |kind: &str| ["AVAILS_UNSUPPORTED".to_owned(), "Avail[1]/AvailType".to_owned(), says(kind)];
    assert_eq!(refused(&sample, "").await, unsupported("episode"));

    let head = &sample[..sample.find("<avails:Avail>").unwrap()];
    let entries: Vec<&str> = sample.split("<avails:Avail>").skip(1).collect();
    let query = format!("?title_id={}&dry_run=true", desk.title);
    let kinds = ["episode", "episode", "episode", "episode", "volume", "episode", "volume", "episode", "episode"];
    assert_eq!(entries.len(), kinds.len());
    for (entry, kind) in entries.into_iter().zip(kinds) {
        let entry = entry.split("</avails:Avail>").next().unwrap();
        let alone = format!("{head}<avails:Avail>{entry}</avails:Avail></avails:AvailList>");
        assert_eq!(refused(&alone, &query).await, unsupported(kind));
        let single = alone.replace(&format!("<avails:AvailType>{kind}<"), "<avails:AvailType>single<");
        let foreign = "AVAILS_TITLE_UNKNOWN";
        assert_eq!(refused(&single, "").await[0], foreign, "it is somebody else's id");
        let taken = desk.import(&single, &query).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
        let taken = taken.json();
        let mut window = taken["changes"][0]["new_avails"][0].clone();
        window.as_object_mut().unwrap().retain(|name, _| name != "id" && name != "title_id");
        // Midnight and the last second of a day at the clocks of New York, in summer and in winter.
        let expected = json!({"license_type": "est", "description": null, "territories": {"include": ["US"], "exclude": []},
            "start_at": "2017-05-05T04:00:00.000Z", "end_at": "2017-12-12T04:59:59.000Z", "zone": "America/New_York",
            "hard_end_at": null, "languages": {"allow": ["en"]}, "format_profile": "hd"});
        assert_eq!(window, expected);
        let lost: Vec<&str> =
            taken["notes"].as_array().unwrap().iter().map(|note| note["path"].as_str().unwrap()).collect();
        let at = |name: &str| format!("Avail[1]/Transaction[1]/{name}");
        let mut expected = vec![at("Term[SuppressionLiftDate]"), at("Term[SRP]")];
        if kind == "volume" {
            expected.insert(0, at("AssetLanguage"));
        }
        assert_eq!(lost, expected);
    }
    assert!(desk.avails(desk.title).await.is_empty(), "nothing is written");
    desk.server.stop().await;
}

/// Changes of single windows; and a document of two titles of which one cannot be: neither is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_taken_over_whole_or_not_at_all() {
    let desk = Desk::open().await;
    let here = json!({"include": ["CN"]});
    let avail = desk.avail("vod", here.clone(), "2037-01-01T00:00:00Z", Some("2037-02-01T00:00:00Z")).await;
    let document = desk.export().await;
    let moved = document.replace("Full Extract", "Update").replace("2037-02-01T08:00:00", "2037-02-02T08:00:00");
    let update = desk.import(&moved, "").await;
    assert_eq!(
        update.json()["changes"][0]["moved_avails"][0]["end_at"],
        "2037-02-02T00:00:00.000Z",
        "{}",
        update.text()
    );
    assert_eq!(desk.import(&moved, "").await.json()["changes"], json!([]), "an update twice is one");
    let create = document.replace("Full Extract", "Create").replace(">VOD<", ">SVOD<");
    assert_eq!(desk.import(&create, "").await.json()["changes"][0]["new_avails"][0]["license_type"], "svod");
    let again = desk.import(&create, "").await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "AVAIL_CONFLICT".to_owned()));
    let plan = desk.avails(desk.title).await;

    let other = desk.server.title(desk.server.asset().await).await;
    let inner = |document: &str| {
        let start = document.find("<avails:Avail>").unwrap();
        document[start..document.find("</avails:AvailList>").unwrap()].to_owned()
    };
    let id = avail["id"].as_str().unwrap();
    let for_other = document.replace(&desk.title.to_string(), &other.to_string()).replace(id, "ssc-1");
    let two = |second: &str| document.replace("</avails:AvailList>", &format!("{second}</avails:AvailList>"));
    let twice = inner(&for_other).replace("</avails:Avail>", "");
    let transaction = twice[twice.find("<avails:Transaction").unwrap()..].to_owned();
    let broken = format!("{twice}{transaction}</avails:Avail>");
    let refused = desk.import(&two(&broken), "").await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::CONFLICT, "AVAIL_CONFLICT".to_owned()),
        "{}",
        refused.text()
    );
    assert_eq!(desk.avails(desk.title).await, plan, "the title before it is not changed either");
    assert!(desk.avails(other).await.is_empty());
    let done = desk.import(&two(&inner(&for_other)), "").await;
    assert_eq!(
        (done.status, done.json()["changes"].as_array().map(Vec::len)),
        (StatusCode::OK, Some(2)),
        "{}",
        done.text()
    );
    assert_eq!((desk.avails(desk.title).await.len(), desk.avails(other).await.len()), (1, 1));

    let named = desk.import(&two(&inner(&for_other)), &format!("?title_id={}", desk.title)).await;
    assert_eq!(named.code(), "AVAILS_TITLE_UNKNOWN", "of one title nothing of another is taken");
    let mixed = two(&inner(&document).replace("Full Extract", "Update"));
    assert_eq!(desk.import(&mixed, "").await.code(), "AVAILS_INVALID", "a whole plan and a change of it");
    let gone = document.replace("Full Extract", "Full Delete");
    assert_eq!(desk.import(&gone, "").await.json()["changes"][0]["removed_avails"], json!([id]));
    let late = desk.import(&moved, "").await;
    assert_eq!((late.status, late.code()), (StatusCode::NOT_FOUND, "AVAIL_NOT_FOUND".to_owned()));

    // A window that has opened is ended, not taken away.
    let avail = desk.avail("vod", here, "2026-01-01T00:00:00Z", None).await;
    let held = desk.import(&gone, "").await;
    assert_eq!((held.status, held.code()), (StatusCode::CONFLICT, "AVAIL_IN_USE".to_owned()), "{avail}");
    let path = "/api/v1/operator/avails/import";
    let as_json = desk.server.request(Method::POST, path).bearer_auth(&desk.server.operator).json(&json!({}));
    assert_eq!(desk.server.send(as_json).await.code(), "CONTENT_TYPE_UNSUPPORTED");
    let long = desk.import(&" ".repeat(4 * 1024 * 1024 + 1), "").await;
    assert_eq!(long.code(), "BODY_TOO_LARGE");
    desk.server.stop().await;
}
