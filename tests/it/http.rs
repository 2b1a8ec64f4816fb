//! The HTTP room over real sockets: what is refused, what is cut, what is never cut.

mod client;
mod end;
mod floods;
mod refusals;
mod serving;
mod slow;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use marquee::base::clock::Clock;
use marquee::base::shutdown::Shutdown;
use marquee::http::body::Body;
use marquee::http::entity::Entity;
use marquee::http::limits::Limits;
use marquee::http::listener::{self, Listener, Options, Running, Sharing};
use marquee::http::peer::Peer;
use marquee::http::service::Request;
use marquee::http::tls;

/// A body whose every byte tells where it belongs.
pub fn pattern(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect::<Vec<_>>().into()
}

fn tls_config() -> Arc<rustls::ServerConfig> {
    static CONFIG: OnceLock<Arc<rustls::ServerConfig>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            tls::install_provider();
            let folder = tempfile::tempdir().unwrap();
            let files = tls::development_certificate(folder.path(), Clock::system().now()).unwrap();
            tls::server_config(&files).unwrap()
        })
        .clone()
}

pub struct TestServer {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    pub shutdown: Shutdown,
    pub running: Running,
}

impl TestServer {
    pub fn start(limits: Limits) -> TestServer {
        let loopback: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listeners = vec![
            Listener::bind(loopback, Sharing::Exclusive, None).unwrap(),
            Listener::bind(loopback, Sharing::Exclusive, Some(tls_config())).unwrap(),
        ];
        TestServer::serve(listeners, limits)
    }

    pub fn serve(listeners: Vec<Listener>, limits: Limits) -> TestServer {
        let shutdown = Shutdown::new();
        let options = Options { limits, shutdown: shutdown.clone(), ..Options::default() };
        let running = listener::serve(listeners, answer, options);
        let addresses = running.addresses();
        TestServer { plain: addresses[0], tls: *addresses.last().unwrap(), shutdown, running }
    }
}

/// One handler for all tests: the path says what to do.
async fn answer(request: Request, peer: Peer) -> Response<Body> {
    let (parts, body) = request.into_parts();
    match parts.uri.path() {
        "/hello" => Response::new(Body::full(if peer.is_tls { "hello, safely" } else { "hello" })),
        "/big" => Entity {
            content_type: HeaderValue::from_static("video/mp4"),
            cache_control: HeaderValue::from_static("private, max-age=60"),
            etag: HeaderValue::from_static("\"big\""),
            identity: pattern(4_000_000),
            gzip: None,
        }
        .respond(&parts.method, &parts.headers),
        "/echo" => match body.collect().await {
            Ok(body) => Response::new(Body::full(body.to_bytes())),
            Err(_) => status(StatusCode::IM_A_TEAPOT),
        },
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(400)).await;
            Response::new(Body::full("slow"))
        }
        "/events" => {
            let first =
                futures_util::stream::once(async { Ok(http_body::Frame::data(Bytes::from_static(b"data: 1\n\n"))) });
            let silence = futures_util::stream::pending::<Result<_, std::io::Error>>();
            let events = futures_util::StreamExt::chain(first, silence);
            Response::new(Body::stream(http_body_util::StreamBody::new(events)))
        }
        "/panic" => panic!("as the test asked"),
        _ => status(StatusCode::NOT_FOUND),
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
