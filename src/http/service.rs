//! What stands between hyper and a handler, once per request: the refusals of the gate, what both protocols have to
//! check, a panic turned into 500, the headers every response carries, and the notes for the connection's watch.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST};
use http::{HeaderValue, Method, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use crate::base::error::Error;
use crate::http::body::{Body, BodyError};
use crate::http::limits::Limits;
use crate::http::peer::Peer;
use crate::http::refusal::Refusal;
use crate::http::respond;
use crate::http::target;
use crate::http::watch::{Awaiting, Backlogged, InFlight, Watch};

/// A request as a handler gets it.
pub type Request = http::Request<RequestBody>;

/// Answers requests. One handler serves every connection of a listener.
pub trait Handler: Clone + Send + Sync + 'static {
    /// A panic in here is answered with 500 and ends this request only.
    fn handle(&self, request: Request, peer: Peer) -> impl Future<Output = Response<Body>> + Send;
}

impl<F, R> Handler for F
where
    F: Fn(Request, Peer) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send,
{
    fn handle(&self, request: Request, peer: Peer) -> impl Future<Output = Response<Body>> + Send {
        self(request, peer)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// One connection's service.
pub(crate) struct Service<H> {
    pub handler: H,
    pub peer: Peer,
    pub protocol: Protocol,
    pub watch: Arc<Watch>,
    pub limits: Arc<Limits>,
}

impl<H: Handler> hyper::service::Service<http::Request<Incoming>> for Service<H> {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Outgoing>, Infallible>> + Send>>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        let in_flight = InFlight::begin(&self.watch);
        let (handler, peer, protocol) = (self.handler.clone(), self.peer, self.protocol);
        let is_last = in_flight.index + 1 >= self.limits.requests_per_connection_max;
        let refusal = self.watch.refusal_of(in_flight.index).or_else(|| match protocol {
            Protocol::Http1 => None,
            Protocol::Http2 => judge(&request, &self.limits).err(),
        });
        Box::pin(async move {
            if is_last {
                in_flight.watch().set_closing();
            }
            let is_head = request.method() == Method::HEAD;
            let mut response = match refusal {
                Some(refusal) => respond::refused(refusal),
                None => answer(&handler, request, peer, &in_flight).await,
            };
            // A body may have turned out to be malformed after its head had passed; whatever the handler made of that,
            // it is a 400.
            let refusal_of_body = in_flight.watch().refusal_of(in_flight.index);
            if let Some(refusal) = refusal_of_body.filter(|_| refusal.is_none()) {
                response = respond::refused(refusal);
            }
            respond::secure(response.headers_mut());
            let is_refused = refusal.is_some() || refusal_of_body.is_some();
            match protocol {
                Protocol::Http1 if is_refused || in_flight.watch().is_closing() => {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Protocol::Http2 if in_flight.watch().is_closing() => in_flight.watch().last_request.notify_one(),
                _ => {}
            }
            if is_head && protocol == Protocol::Http2 {
                without_body(&mut response);
            }
            Ok(response.map(|body| Outgoing { body, protocol, in_flight }))
        })
    }
}

async fn answer<H: Handler>(
    handler: &H,
    request: http::Request<Incoming>,
    peer: Peer,
    in_flight: &InFlight,
) -> Response<Body> {
    let request = request.map(|body| RequestBody { body, watch: in_flight.watch().clone(), awaiting: None });
    let Ok(response) = AssertUnwindSafe(handler.handle(request, peer)).catch_unwind().await else {
        return respond::error(&Error::internal("a request handler panicked"), None);
    };
    response
}

/// What the strict gate does for HTTP/1 and neither h2 nor hyper does for HTTP/2.
fn judge<B>(request: &http::Request<B>, limits: &Limits) -> Result<(), Refusal> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Refusal::MethodRefused);
    }
    let uri = request.uri();
    if uri.path_and_query().map_or(0, |target| target.as_str().len()) > limits.uri_bytes_max {
        return Err(Refusal::UriTooLong);
    }
    if request.headers().len() > limits.head_fields_max {
        return Err(Refusal::FieldsTooMany);
    }
    if request.headers().get(EXPECT).is_some_and(|expect| !expect.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::ExpectationUnknown);
    }
    let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next().map(HeaderValue::as_bytes);
    if hosts.next().is_some() {
        return Err(Refusal::HostRepeated);
    }
    let Some(place) = authority.or(host) else { return Err(Refusal::HostMissing) };
    if !target::is_authority(place) {
        return Err(Refusal::HostInvalid);
    }
    match (authority, host) {
        (Some(authority), Some(host)) if !target::is_same_authority(authority, host) => Err(Refusal::HostMismatch),
        _ => Ok(()),
    }
}

/// The answer to HEAD: hyper leaves the body out itself over HTTP/1 only.
fn without_body(response: &mut Response<Body>) {
    let length = http_body::Body::size_hint(response.body()).exact();
    *response.body_mut() = Body::empty();
    if let Some(length) = length.filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
}

/// The body of a request. While somebody waits for its next bytes the client owes them, and has to keep up a pace.
pub struct RequestBody {
    body: Incoming,
    watch: Arc<Watch>,
    awaiting: Option<Awaiting>,
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if frame.is_ready() {
            this.awaiting = None;
        } else if this.awaiting.is_none() {
            this.awaiting = Some(Awaiting::begin(&this.watch));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a response on its way out.
pub(crate) struct Outgoing {
    body: Body,
    protocol: Protocol,
    in_flight: InFlight,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if this.protocol == Protocol::Http1 {
            return Poll::Ready(frame);
        }
        // HTTP/2 takes a piece whole and sends it as the client makes room, so its being on the way has to be seen.
        Poll::Ready(
            frame.map(|frame| {
                frame.map(|frame| frame.map_data(|bytes| Backlogged::wrap(bytes, this.in_flight.watch())))
            }),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> http::Request<()> {
        build(http::Request::builder().uri("https://a.b/c")).body(()).unwrap()
    }

    /// A type with a state of its own is a handler as well as a closure is.
    #[derive(Clone)]
    struct Greeter(&'static str);

    impl Handler for Greeter {
        async fn handle(&self, _: Request, _: Peer) -> Response<Body> {
            Response::new(Body::full(self.0))
        }
    }

    #[test]
    fn types_and_closures_are_handlers() {
        fn is_handler(_: impl Handler) {}
        is_handler(Greeter("hello"));
        is_handler(|_: Request, _: Peer| async { Response::new(Body::empty()) });
    }

    #[test]
    fn http_2_is_held_to_the_same_rules() {
        let judge = |request: http::Request<()>| judge(&request, &Limits::default());
        assert_eq!(judge(request(|r| r)), Ok(()));
        assert_eq!(judge(request(|r| r.header("host", "A.B:443"))), Ok(()));
        assert_eq!(judge(request(|r| r.header("host", "b"))), Err(Refusal::HostMismatch));
        assert_eq!(judge(request(|r| r.header("host", "a.b").header("host", "a.b"))), Err(Refusal::HostRepeated));
        assert_eq!(judge(request(|r| r.uri("/c"))), Err(Refusal::HostMissing));
        assert_eq!(judge(request(|r| r.uri("https://u@a.b/"))), Err(Refusal::HostInvalid));
        assert_eq!(judge(request(|r| r.method("TRACE"))), Err(Refusal::MethodRefused));
        assert_eq!(judge(request(|r| r.header("expect", "x"))), Err(Refusal::ExpectationUnknown));
        assert_eq!(judge(request(|r| r.uri(format!("https://a/{}", "a".repeat(4096))))), Err(Refusal::UriTooLong));
        assert_eq!(judge(request(|r| (0..65).fold(r, |r, _| r.header("a", "b")))), Err(Refusal::FieldsTooMany));
    }
}
