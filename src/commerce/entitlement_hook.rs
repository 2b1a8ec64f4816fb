//! The client of an operator's own billing: who keeps it elsewhere is asked over HTTPS whether a viewer may watch.
//!
//! ```text
//! POST url
//! webhook-id         one for each request
//! webhook-timestamp  seconds since 1970
//! webhook-signature  v1,BASE64(HMAC-SHA-256(secret, "{id}.{timestamp}.{body}"))
//!
//! {"viewer_id", "viewer_email", "title_id", "part", "territory", "at", "avails": [{"id", "license_type"}]}
//!
//! 200 {"allow": true, "avail_id", "until", "streams"?, "reference"?} or {"allow": false}
//! ```
//!
//! Requests are signed as Standard Webhooks (<https://www.standardwebhooks.com>) signs them, so that their libraries can
//! verify them. Anything else than the two answers is silence. It is asked once; answers are kept for some seconds.

use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use quick_cache::sync::Cache;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use url::Url;

use crate::base::clock::{Clock, UtcMs};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::id::{AvailId, RequestId, TitleId, ViewerId};
use crate::base::limits;
use crate::base::territory::Territory;
use crate::http::outbound::{self, Unread};
use crate::playback::external::{Asker, ExternalBilling, Memory};
use crate::rights::external::{External, ExternalWord, Question};

/// How a secret of Standard Webhooks begins.
const SECRET_PREFIX: &str = "whsec_";
/// The bytes of a secret, as that says.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// Where to ask, and how.
pub struct HookOptions {
    pub url: String,
    /// `whsec_` and 24 to 64 bytes in base64.
    pub secret: String,
    /// From the connection to the last byte.
    pub timeout: Duration,
}

/// Asks the operator's billing.
pub struct EntitlementHook {
    client: reqwest::Client,
    url: Url,
    key: hmac::Key,
    clock: Clock,
    answers: Cache<Key, Kept>,
    asking: Semaphore,
    counts: Family<AnswerLabel, Counter>,
}

/// Whom and what an answer is about, and where.
type Key = (ViewerId, TitleId, u32, Option<Territory>);

/// An answer, and when it came on the monotonic clock.
#[derive(Clone)]
struct Kept {
    external: External,
    heard: Duration,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AnswerLabel {
    answer: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    allow: bool,
    avail_id: Option<AvailId>,
    until: Option<UtcMs>,
    streams: Option<u32>,
    reference: Option<String>,
}

impl EntitlementHook {
    pub fn new(options: &HookOptions, clock: Clock, registry: &mut Registry) -> Result<EntitlementHook> {
        let invalid = |message: String| Error::new(ErrorKind::Config, "ENTITLEMENT_HOOK_INVALID", message);
        let url = outbound::address(&options.url)
            .map_err(|reason| invalid(format!("entitlement_hook.url {reason}. Write it as https://host/path.")))?;
        let secret = options.secret.strip_prefix(SECRET_PREFIX).and_then(|text| BASE64_STANDARD.decode(text).ok());
        let secret = secret.filter(|secret| SECRET_BYTES.contains(&secret.len())).ok_or_else(|| {
            invalid(format!(
                "The file of entitlement_hook.secret_file holds no {SECRET_PREFIX}… of 24 to 64 bytes in base64. Make one \
                 with: echo {SECRET_PREFIX}$(openssl rand -base64 32)"
            ))
        })?;
        let client = outbound::client(options.timeout).build();
        let counts = Family::default();
        registry.register(
            "entitlement_hook_answers",
            "Answers of the operator's own billing: allow, deny, timeout, unreachable, refused, invalid; busy was not asked",
            counts.clone(),
        );
        Ok(EntitlementHook {
            client: client.map_err(|error| Error::internal("a client for the entitlement hook").with_source(error))?,
            url,
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            clock,
            answers: Cache::new(limits::ENTITLEMENT_ANSWERS_MAX),
            asking: Semaphore::new(limits::ENTITLEMENT_ASKED_AT_ONCE),
            counts,
        })
    }

    fn is_stale(&self, Kept { external, heard }: &Kept) -> bool {
        let kept_for = match external {
            External::Silent => limits::ENTITLEMENT_SILENCE_KEPT,
            External::Allows(_) | External::Denies => limits::ENTITLEMENT_ANSWER_KEPT,
        };
        self.clock.monotonic().saturating_sub(*heard) >= kept_for
    }

    /// Asks now. None where too much is being asked already.
    async fn asked(&self, viewer: &Asker, question: &Question) -> Option<External> {
        let count = |answer| self.counts.get_or_create(&AnswerLabel { answer }).inc();
        let Ok(_asking) = self.asking.try_acquire() else {
            count("busy");
            return None;
        };
        match self.fetch(viewer, question).await {
            Ok(external) => {
                count(if external == External::Denies { "deny" } else { "allow" });
                Some(external)
            }
            Err(reason) => {
                count(reason);
                tracing::warn!(reason, "the entitlement hook has not answered");
                Some(External::Silent)
            }
        }
    }

    /// What is heard, or what kept it from being heard, as the metrics call it.
    async fn fetch(&self, viewer: &Asker, question: &Question) -> Result<External, &'static str> {
        let avails = question.avails.iter();
        let body = json!({
            "viewer_id": viewer.viewer_id,
            "viewer_email": viewer.email,
            "title_id": question.title_id,
            "part": question.part,
            "territory": question.territory,
            "at": question.at,
            "avails": avails.map(|(id, kind)| json!({"id": id, "license_type": kind})).collect::<Vec<_>>(),
        })
        .to_string();
        let now = self.clock.now();
        let (id, timestamp) = (RequestId::new(now).to_string(), now.0.div_euclid(1000).to_string());
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-signature", signature(&self.key, &id, &timestamp, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp);
        let answer = request.body(body).send().await.map_err(|error| failed(&error))?;
        if answer.status() != StatusCode::OK {
            return Err("refused");
        }
        let read = outbound::body(answer, limits::ENTITLEMENT_ANSWER_BYTES_MAX).await;
        let body = read.map_err(|unread| match unread {
            Unread::TooLong => "invalid",
            Unread::Broken(error) => failed(&error),
        })?;
        heard(&body).ok_or("invalid")
    }
}

#[async_trait]
impl ExternalBilling for EntitlementHook {
    async fn ask(&self, viewer: &Asker, question: &Question, memory: Memory) -> External {
        let key = (viewer.viewer_id, question.title_id, question.part, question.territory);
        if memory == Memory::Passed {
            // About one window: no answer about all of them.
            let external = self.asked(viewer, question).await.unwrap_or(External::Silent);
            if external != External::Silent {
                self.answers.remove(&key);
            }
            return external;
        }
        self.answers.remove_if(&key, |kept| self.is_stale(kept));
        // However many ask at once, one of them is heard for all.
        let place = match self.answers.get_value_or_guard_async(&key).await {
            Ok(kept) => return kept.external,
            Err(place) => place,
        };
        let Some(external) = self.asked(viewer, question).await else { return External::Silent };
        let _ = place.insert(Kept { external: external.clone(), heard: self.clock.monotonic() });
        external
    }
}

/// What an answer says, if it says enough.
fn heard(body: &[u8]) -> Option<External> {
    let Answer { allow, avail_id, until, streams, reference } = serde_json::from_slice(body).ok()?;
    if !allow {
        return Some(External::Denies);
    }
    let streams = streams.unwrap_or(1);
    let is_line = |text: &String| text.len() <= limits::NAME_CHARS_MAX && !text.chars().any(char::is_control);
    let is_good = (1..=limits::ENTITLEMENT_STREAMS_MAX).contains(&streams) && reference.iter().all(is_line);
    is_good.then_some(External::Allows(ExternalWord { avail_id: avail_id?, until: until?, streams, reference }))
}

fn signature(key: &hmac::Key, id: &str, timestamp: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(tag.as_ref()))
}

fn failed(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() { "timeout" } else { "unreachable" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_standard_webhooks_does() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_says_too_little_is_no_answer() {
        let avail = AvailId::new(UtcMs(1));
        let allows = |more: serde_json::Value| {
            let mut answer = json!({"allow": true, "avail_id": avail, "until": "2027-01-15T12:00:00Z"});
            answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            heard(answer.to_string().as_bytes())
        };
        let word = |streams, reference: Option<&str>| {
            let until = UtcMs::parse("2027-01-15T12:00:00Z").unwrap();
            let reference = reference.map(str::to_owned);
            Some(External::Allows(ExternalWord { avail_id: avail, until, streams, reference }))
        };
        assert_eq!(allows(json!({})), word(1, None));
        assert_eq!(allows(json!({"streams": 2, "reference": "A-17", "plan": "gold"})), word(2, Some("A-17")));
        for wrong in [
            json!({"streams": 0}),
            json!({"streams": limits::ENTITLEMENT_STREAMS_MAX + 1}),
            json!({"until": null}),
            json!({"until": "soon"}),
            json!({"avail_id": null}),
            json!({"avail_id": "ttl_00000000000000000000000000"}),
            json!({"allow": "yes"}),
            json!({"reference": "two\nlines"}),
            json!({"reference": "x".repeat(limits::NAME_CHARS_MAX + 1)}),
        ] {
            assert_eq!(allows(wrong.clone()), None, "{wrong}");
        }
        assert_eq!(heard(br#"{"allow": false}"#), Some(External::Denies));
        assert_eq!([heard(b""), heard(b"{}"), heard(b"null"), heard(b"allow")], [None, None, None, None]);
    }

    #[test]
    fn an_address_or_a_secret_that_shows_secrets_is_refused() {
        let made = |url: &str, secret: &str| {
            let options = HookOptions { url: url.into(), secret: secret.into(), timeout: Duration::from_secs(1) };
            EntitlementHook::new(&options, Clock::system(), &mut Registry::default()).err()
        };
        let secret = |bytes: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; bytes]));
        assert!(made("https://billing.example/hook", &secret(24)).is_none());
        assert!(made("http://127.0.0.1:9/hook", &secret(64)).is_none());
        for (url, secret) in [
            ("http://billing.example/", secret(32)),
            ("https://user:hunter2@billing.example/", secret(32)),
            ("https://billing.example/", secret(23)),
            ("https://billing.example/", secret(65)),
            ("https://billing.example/", BASE64_STANDARD.encode([7; 32])),
        ] {
            let error = made(url, &secret).unwrap();
            assert_eq!(error.code(), "ENTITLEMENT_HOOK_INVALID");
            assert!(!error.message().contains("hunter2"));
        }
    }
}
