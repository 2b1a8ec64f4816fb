//! Metrics in base units. No label holds a viewer, a title or anything else that grows.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::base::error::{Error, Result};

/// The process's counters.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    purchases: Family<StatusLabel, Counter>,
    denials: Family<CodeLabel, Counter>,
    sessions_opened: Counter,
    event_streams: Gauge<i64, AtomicI64>,
    follower_silence: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatusLabel {
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CodeLabel {
    code: &'static str,
}

/// Counts one open event stream for as long as it lives.
pub struct OpenStream(Gauge<i64, AtomicI64>);

impl Metrics {
    /// Adds the API's own to what other rooms have put into the registry.
    pub fn new(mut registry: Registry) -> Metrics {
        let requests = Family::default();
        registry.register("http_requests", "Requests by route template and status class", requests.clone());
        let purchases = Family::default();
        registry.register("purchases", "Answers to orders by the purchase's status", purchases.clone());
        let denials = Family::default();
        registry.register("denials", "Refused sessions and orders by code", denials.clone());
        let sessions_opened = Counter::default();
        registry.register("playback_sessions_opened", "Playback sessions opened", sessions_opened.clone());
        let event_streams = Gauge::default();
        registry.register("event_streams_open", "Open event streams of playback sessions", event_streams.clone());
        let follower_silence = Gauge::default();
        registry.register(
            "follower_silence_seconds",
            "How long ago the database's change log was last read",
            follower_silence.clone(),
        );
        registry.register("build", "The running build", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        Metrics { registry, requests, purchases, denials, sessions_opened, event_streams, follower_silence }
    }

    pub fn count_request(&self, route: &str, status: StatusCode) {
        let status = match status.as_u16() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }

    pub fn count_purchase(&self, status: &'static str) {
        self.purchases.get_or_create(&StatusLabel { status }).inc();
    }

    pub fn count_denial(&self, code: &'static str) {
        self.denials.get_or_create(&CodeLabel { code }).inc();
    }

    pub fn count_session(&self) {
        self.sessions_opened.inc();
    }

    pub fn open_stream(&self) -> OpenStream {
        self.event_streams.inc();
        OpenStream(self.event_streams.clone())
    }

    /// The text of the scrape.
    pub fn scrape(&self, follower_silence: Duration) -> Result<String> {
        self.follower_silence.set(follower_silence.as_secs_f64());
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|error| Error::internal("the metrics").with_source(error))?;
        Ok(text)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_shows_what_was_counted() {
        let metrics = Metrics::new(Registry::with_prefix("marquee"));
        metrics.count_request("/api/v1/titles/{id}", StatusCode::NOT_FOUND);
        metrics.count_denial("GEO_NOT_LICENSED");
        let stream = metrics.open_stream();
        let text = metrics.scrape(Duration::from_millis(1500)).unwrap();
        for line in [
            r#"marquee_http_requests_total{route="/api/v1/titles/{id}",status="4xx"} 1"#,
            r#"marquee_denials_total{code="GEO_NOT_LICENSED"} 1"#,
            "marquee_event_streams_open 1",
            "marquee_follower_silence_seconds 1.5",
            concat!(r#"marquee_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        drop(stream);
        assert!(metrics.scrape(Duration::ZERO).unwrap().contains("marquee_event_streams_open 0"));
    }
}
