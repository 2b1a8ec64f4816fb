//! An operator's own billing: asked where nothing of ours lets a viewer watch, and believed within our windows.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use marquee::base::clock::UtcMs;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Backend, Stage, at, code, pvod, window};

const OPENS: &str = "2027-01-15T20:00:00+08:00";
const CLOSES: &str = "2027-01-29T20:00:00+08:00";
const SECRET: [u8; 32] = [9; 32];

/// What the next requests are answered with.
#[derive(Clone)]
enum Reply {
    Json(Value),
    /// Status and headers, and a body.
    Raw(String),
    /// Nothing, until the other side gives up.
    Never,
}

/// Somebody's billing: it believes only what is signed.
struct Billing {
    url: String,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Billing {
    async fn open() -> Billing {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/may-watch", listener.local_addr().unwrap());
        let billing = Billing { url, reply: Arc::new(Mutex::new(Reply::Never)), asked: Arc::default() };
        let (reply, asked) = (billing.reply.clone(), billing.asked.clone());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (reply, asked) = (reply.clone(), asked.clone());
                tokio::spawn(async move {
                    let body = read(&mut socket).await;
                    asked.lock().unwrap().push(body);
                    let present = reply.lock().unwrap().clone();
                    let answer = match present {
                        Reply::Json(value) => whole("200 OK", &value.to_string()),
                        Reply::Raw(answer) => answer,
                        Reply::Never => std::future::pending().await,
                    };
                    let _ = socket.write_all(answer.as_bytes()).await;
                });
            }
        });
        billing
    }

    fn says(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn whole(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// The body of a request whose signature is right.
async fn read(socket: &mut tokio::net::TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4096];
        let count = socket.read(&mut more).await.unwrap();
        bytes.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
            line.unwrap_or_else(|| panic!("{name} in {head}")).split_once(": ").unwrap().1.to_owned()
        };
        if body.len() < header("content-length").parse().unwrap() {
            continue;
        }
        assert!(head.starts_with("POST /may-watch "), "{head}");
        let signed = format!("{}.{}.{body}", header("webhook-id"), header("webhook-timestamp"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), signed.as_bytes());
        assert_eq!(header("webhook-signature"), format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref())));
        return serde_json::from_str(body).unwrap();
    }
}

pub async fn an_operators_own_billing_says_who_may_watch(backend: Backend) {
    let billing = Billing::open().await;
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    writeln!(secret, "whsec_{}", BASE64_STANDARD.encode(SECRET)).unwrap();
    let stage = Stage::open_with(backend, OPENS, |config| {
        config.entitlement_hook.url = Some(billing.url.clone());
        config.entitlement_hook.secret_file = Some(secret.path().to_owned());
        config.entitlement_hook.timeout_ms = 200;
    })
    .await;
    let title = stage.title("雾港孤刀", "NL").await;
    let sold = stage.sell(title, window("vod", &["CN"], OPENS, Some(CLOSES)), pvod()).await;
    let elsewhere = stage.avail(title, window("vod", &["DE"], OPENS, Some(CLOSES))).await;
    let avails = stage.server.api(&stage.server.operator, &format!("/operator/titles/{title}/avails")).await.json();
    let avail =
        avails["data"].as_array().unwrap().iter().find(|row| row["id"] != json!(elsewhere)).unwrap()["id"].clone();
    let [ada, bob] = [stage.server.viewer("ada").await, stage.server.viewer("bob").await];
    let plays = async || stage.plays(&ada, title).await;
    let later = |ms: u64| stage.server.sim.advance(Duration::from_millis(ms));
    let allows = |avail: &Value, until: &str| {
        Reply::Json(json!({"allow": true, "avail_id": avail, "until": until, "streams": 1, "reference": "A-17"}))
    };

    // A no is kept for ten seconds; it is asked about open windows of ours, and by who is signed in.
    billing.says(Reply::Json(json!({"allow": false})));
    let stranger = stage.server.get_from("CN", &format!("/api/v1/titles/{title}")).await.json();
    assert_eq!(stranger["decision"]["code"], "PAYMENT_REQUIRED");
    assert_eq!(code(&stage.plays_in("FR", &ada, title).await), "GEO_NOT_LICENSED");
    assert_eq!(billing.asked(), 0);
    assert_eq!(code(&plays().await), "PAYMENT_REQUIRED");
    let question = json!({"viewer_id": ada.id, "viewer_email": "ada@test.example", "title_id": title, "part": 1,
        "territory": "CN", "at": at(OPENS), "avails": [{"id": avail, "license_type": "vod"}]});
    assert_eq!(*billing.asked.lock().unwrap(), [question]);
    for (ms, asked) in [(9_999, 1), (1, 2), (1, 2)] {
        later(ms);
        assert_eq!((code(&plays().await), billing.asked()), ("PAYMENT_REQUIRED", asked));
    }

    // What is no answer is none; who has the title of us is not affected.
    stage.buys(&bob, &sold).await.unwrap();
    let before = billing.asked();
    for reply in [
        Reply::Never,
        Reply::Raw(whole("500 Internal Server Error", "{\"allow\":true}")),
        Reply::Raw("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".into()),
        Reply::Raw(whole("200 OK", &format!("{{\"allow\":false,\"why\":\"{}\"}}", "x".repeat(17_000)))),
        Reply::Raw(whole("200 OK", "yes")),
        Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"allow\":".into()),
        Reply::Json(json!({"allow": true, "avail_id": avail})),
    ] {
        later(10_000);
        billing.says(reply);
        let body = json!({"title_id": title});
        let answer =
            stage.from("CN", &stage.server.signed_in_again(&ada).await.token, "/playback-sessions", &body).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text());
        assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("ENTITLEMENT_HOOK_UNAVAILABLE", "2"));
    }
    assert_eq!(code(&plays().await), "ENTITLEMENT_HOOK_UNAVAILABLE", "for two seconds");
    assert_eq!(billing.asked(), before + 7);
    assert_eq!(stage.plays(&bob, title).await.unwrap()["via"], "grant");

    // A window that is not open here, or no window of ours, is not opened by it.
    for wrong in [json!(elsewhere), json!("avl_00000000000000000000000000")] {
        later(10_000);
        billing.says(allows(&wrong, CLOSES));
        assert_eq!(code(&plays().await), "PAYMENT_REQUIRED");
    }
    later(10_000);
    let until = UtcMs(stage.server.now().0 + 3_600_000);
    billing.says(allows(&avail, &until.to_string()));
    let asked = billing.asked();
    let path = format!("/titles/{title}");
    let signed_in = stage.server.signed_in_again(&ada).await;
    let page = stage.server.api(&signed_in.token, &path).await.json();
    assert_eq!((&page["decision"]["via"], &page["state"]), (&json!("external"), &json!("acquired")), "{page}");
    let playing = plays().await.unwrap();
    assert_eq!(billing.asked(), asked + 1, "the button and Play ask once");
    assert_eq!((&playing["via"], &playing["ends_at"]), (&json!("external"), &json!(until)));
    assert_eq!(code(&plays().await), "TOO_MANY_STREAMS");
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=session.open").await.json();
    assert_eq!(
        (&log["data"][0]["detail"]["rule"], &log["data"][0]["detail"]["reference"]),
        (&json!("external"), &json!("A-17"))
    );
    for (offset_ms, expected) in [(-1, "ok"), (0, "RENTAL_EXPIRED"), (1, "RENTAL_EXPIRED")] {
        stage.server.advance_to(until, offset_ms);
        assert_eq!(stage.goes_on(&playing).await, expected, "{offset_ms}");
    }

    // While it runs it is asked again every five minutes: silence ends nothing, a no ends it at its next request.
    later(100_000);
    billing.says(allows(&avail, CLOSES));
    let playing = plays().await.unwrap();
    let heard = async |expected: usize| {
        for _ in 0..200 {
            if billing.asked() >= expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it was not asked");
    };
    let asked = billing.asked();
    later(299_000);
    assert_eq!((stage.goes_on(&playing).await.as_str(), billing.asked()), ("ok", asked));
    billing.says(Reply::Raw(whole("500 Internal Server Error", "")));
    later(1_000);
    assert_eq!(stage.goes_on(&playing).await, "ok");
    heard(asked + 1).await;
    assert_eq!(stage.goes_on(&playing).await, "ok");
    billing.says(Reply::Json(json!({"allow": false})));
    later(300_000);
    // Nobody waits for the answer, which may be there already when the second of its requests comes.
    let mut outcome = stage.goes_on(&playing).await;
    heard(asked + 2).await;
    for _ in 0..200 {
        if outcome != "ok" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        outcome = stage.goes_on(&playing).await;
    }
    assert_eq!(outcome, "SESSION_REVOKED");
    assert_eq!(code(&plays().await), "PAYMENT_REQUIRED");
    let log = stage.server.api(&stage.server.operator, "/operator/audit?action=session.revoke").await.json();
    assert_eq!(log["data"][0]["actor"], "entitlement_hook", "{log}");
    let metrics = stage.server.client.get(format!("{}/metrics", stage.server.base)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in ["answer=\"timeout\"} 1", "answer=\"refused\"} 3", "answer=\"invalid\"} 3", "answer=\"unreachable\"} 1"]
    {
        assert!(metrics.contains(&format!("marquee_entitlement_hook_answers_total{{{line}")), "{line} {metrics}");
    }
    stage.end().await;
}
