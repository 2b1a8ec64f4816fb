//! One connection from its handshake to its end.
//!
//! ```text
//! TCP ──► Gate ──► hyper HTTP/1                      plain
//! TCP ──► rustls ──► Gate ──► hyper HTTP/1           ALPN http/1.1 or none
//! TCP ──► rustls ──► Metered ──► hyper HTTP/2        ALPN h2
//! ```
//!
//! A driver polls hyper's future and, between its wakes, looks at the watch once a tick, says goodbye to an idle
//! connection, drops a slow one, and begins a graceful end when the server drains or the last allowed request came.

use std::pin::{Pin, pin};
use std::sync::Arc;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::base::limits::{H2_ERROR_RESETS_MAX, H2_RESETS_PENDING_MAX};
use crate::base::shutdown::Shutdown;
use crate::http::frames::Metered;
use crate::http::gate::Gate;
use crate::http::limits::Limits;
use crate::http::peer::Peer;
use crate::http::service::{Handler, Protocol, Service};
use crate::http::tls;
use crate::http::watch::{Cut, Verdict, Watch, Watchdog};

/// What every connection of a listener shares.
pub(crate) struct Shared<H> {
    pub handler: H,
    pub limits: Arc<Limits>,
    pub shutdown: Shutdown,
}

pub(crate) async fn serve<H: Handler>(stream: TcpStream, peer: Peer, tls: Option<TlsAcceptor>, shared: Arc<Shared<H>>) {
    let Some(acceptor) = tls else {
        return serve_http1(stream, peer, &shared).await;
    };
    let handshake = acceptor.accept_with(stream, tls::bound_buffer);
    match tokio::time::timeout(shared.limits.tls_handshake_timeout, handshake).await {
        Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(tls::ALPN_H2) => {
            serve_http2(stream, peer, &shared).await;
        }
        Ok(Ok(stream)) => serve_http1(stream, peer, &shared).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn serve_http1<IO, H>(io: IO, peer: Peer, shared: &Shared<H>)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let watch = Arc::new(Watch::default());
    let gate = Gate::new(io, &shared.limits, watch.clone());
    // The driver keeps the time of heads, so hyper's own timeout is off.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(shared.limits.connection_buffer_bytes)
        .serve_connection(TokioIo::new(gate), service(peer, Protocol::Http1, &watch, shared));
    drive(connection, &watch, shared).await;
}

async fn serve_http2<IO, H>(io: IO, peer: Peer, shared: &Shared<H>)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Handler,
{
    let (limits, watch) = (&shared.limits, Arc::new(Watch::default()));
    let metered = Metered::new(io, limits, watch.clone());
    let connection = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(limits.h2_streams_max)
        .initial_stream_window_size(limits.h2_stream_window_bytes)
        .initial_connection_window_size(limits.h2_connection_window_bytes)
        .max_header_list_size(limits.head_bytes_max as u32)
        .max_pending_accept_reset_streams(H2_RESETS_PENDING_MAX)
        .max_local_error_reset_streams(H2_ERROR_RESETS_MAX)
        .serve_connection(TokioIo::new(metered), service(peer, Protocol::Http2, &watch, shared));
    drive(connection, &watch, shared).await;
}

fn service<H: Handler>(peer: Peer, protocol: Protocol, watch: &Arc<Watch>, shared: &Shared<H>) -> Service<H> {
    let (handler, limits) = (shared.handler.clone(), shared.limits.clone());
    Service { handler, peer, protocol, watch: watch.clone(), limits }
}

/// The two connection types of hyper, as far as the driver tells them apart.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Ends once the requests that have begun are answered.
    fn end_gracefully(self: Pin<&mut Self>);
    /// Has a farewell of its own, so that a request on its way is not lost when the server drains.
    const SAYS_GOODBYE: bool;
}

impl<IO, H: Handler> Connection for http1::Connection<TokioIo<IO>, Service<H>>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    const SAYS_GOODBYE: bool = false;

    fn end_gracefully(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<IO, H: Handler> Connection for http2::Connection<TokioIo<IO>, Service<H>, TokioExecutor>
where
    IO: AsyncRead + AsyncWrite + Unpin + 'static,
{
    const SAYS_GOODBYE: bool = true;

    fn end_gracefully(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

async fn drive<C: Connection, H>(connection: C, watch: &Watch, shared: &Shared<H>) {
    let mut connection = pin!(connection);
    let mut dog = Watchdog::new(&shared.limits);
    let mut next_look = pin!(tokio::time::sleep(dog.tick()));
    let mut draining = pin!(shared.shutdown.begun());
    let (mut is_draining, mut is_ending) = (false, false);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            () = &mut next_look => {
                match dog.look(watch) {
                    Verdict::GoOn => {}
                    // Said goodbye a whole idle time ago, and nothing has come of it.
                    Verdict::Idle if is_ending => return cut(Cut::Lingering),
                    Verdict::Idle => {
                        is_ending = true;
                        dog.begin_end();
                        connection.as_mut().end_gracefully();
                    }
                    Verdict::Cut(why) => return cut(why),
                }
                next_look.set(tokio::time::sleep(dog.tick()));
            }
            () = &mut draining, if !is_draining => {
                is_draining = true;
                // HTTP/1 has no goodbye before a response: its connection stays open for one more request, which is
                // told to be the last, or until it has been idle for a moment.
                watch.set_closing();
                if C::SAYS_GOODBYE {
                    connection.as_mut().end_gracefully();
                }
                dog.drain(shared.limits.drain_idle_max);
                next_look.set(tokio::time::sleep(dog.tick()));
            }
            () = watch.last_request.notified() => connection.as_mut().end_gracefully(),
        }
    }
}

fn cut(why: Cut) {
    tracing::debug!(?why, "connection cut");
}
