//! The strict gate: the socket as hyper's HTTP/1 sees it. Only bytes that [`Framer`] has framed get through.
//!
//! A head that arrives in one read (nearly all do) is judged where it lies, in hyper's own buffer; a head in pieces is
//! held back until it is whole. A refused head never reaches hyper: a stand-in request does, and the service answers
//! that one with the refusal, so that responses to requests before it are written first and the connection is closed in
//! order. After a refusal nothing more is read except to be thrown away (a lingering close): closing a socket with
//! unread bytes resets it, and the reset could overtake the answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use crate::base::limits::LINGER_BYTES_MAX;
use crate::http::limits::Limits;
use crate::http::strict::Framer;
use crate::http::watch::Watch;

/// Stands for a refused request. The service knows which one it is by counting.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

pub struct Gate<IO> {
    io: IO,
    framer: Framer,
    watch: Arc<Watch>,
    /// Read and not framed: an incomplete head or line.
    held: Vec<u8>,
    /// Framed and not yet taken by hyper, from `ready_at` on.
    ready: Vec<u8>,
    ready_at: usize,
    heads: u64,
    state: State,
    linger: Option<Linger>,
    linger_max: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The client sends no more.
    Ended,
    /// A head was refused and its stand-in is in `ready`.
    HeadRefused,
    /// A body was refused: its reader gets an error.
    BodyRefused,
}

struct Linger {
    until: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl<IO> Gate<IO> {
    pub fn new(io: IO, limits: &Limits, watch: Arc<Watch>) -> Gate<IO> {
        Gate {
            io,
            framer: Framer::new(limits),
            watch,
            held: Vec::new(),
            ready: Vec::new(),
            ready_at: 0,
            heads: 0,
            state: State::Open,
            linger: None,
            linger_max: limits.linger_max,
        }
    }

    /// Judges what was read into `buf` after its first `before` bytes; leaves in it what may pass.
    fn judge(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let advance = if self.held.is_empty() {
            let fresh = &buf.filled()[before..];
            let advance = self.framer.advance(fresh);
            if advance.refusal.is_none() {
                self.held.extend_from_slice(&fresh[advance.pass..]);
            }
            buf.set_filled(before + advance.pass);
            advance
        } else {
            self.held.extend_from_slice(&buf.filled()[before..]);
            buf.set_filled(before);
            let advance = self.framer.advance(&self.held);
            self.ready.extend(self.held.drain(..advance.pass));
            advance
        };
        self.heads += advance.heads;
        if advance.heads > 0 {
            self.watch.set_greeted();
        }
        let Some(refusal) = advance.refusal else {
            self.watch.set_head_open(self.framer.is_in_head() && !self.held.is_empty());
            return;
        };
        self.held = Vec::new();
        self.watch.set_greeted();
        self.watch.set_head_open(false);
        if advance.refused_in_head {
            self.watch.refuse(self.heads, refusal);
            self.ready.extend_from_slice(STAND_IN);
            self.state = State::HeadRefused;
        } else {
            self.watch.refuse(self.heads.saturating_sub(1), refusal);
            self.state = State::BodyRefused;
        }
    }

    fn pass_ready(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.ready[self.ready_at..];
        let taken = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..taken]);
        self.ready_at += taken;
        if self.ready_at == self.ready.len() {
            self.ready = Vec::new();
            self.ready_at = 0;
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Gate<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            if !this.ready.is_empty() {
                this.pass_ready(buf);
                return Poll::Ready(Ok(()));
            }
            match this.state {
                State::Open => {}
                State::Ended => return Poll::Ready(Ok(())),
                // The answer to the stand-in ends the connection, and writing it wakes this task.
                State::HeadRefused => return Poll::Pending,
                State::BodyRefused => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "request body refused")));
                }
            }
            ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
            let bytes = buf.filled().len() - before;
            if bytes == 0 {
                this.state = State::Ended;
                return Poll::Ready(Ok(()));
            }
            this.watch.read(bytes);
            this.judge(buf, before);
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, buf);
        this.watch.wrote(&result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, bufs);
        this.watch.wrote(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_flush(cx);
        this.watch.flushed(&result);
        result
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            let between_requests = this.framer.is_in_head() && this.held.is_empty();
            if this.state == State::Ended || between_requests {
                return Poll::Ready(Ok(()));
            }
            let until = Box::pin(tokio::time::sleep(this.linger_max));
            this.linger = Some(Linger { until, bytes_left: LINGER_BYTES_MAX });
        }
        let Some(linger) = &mut this.linger else { return Poll::Ready(Ok(())) };
        let mut waste = [0; 4096];
        loop {
            if linger.bytes_left == 0 || linger.until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut waste = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut this.io).poll_read(cx, &mut waste)) {
                Ok(()) if !waste.filled().is_empty() => {
                    linger.bytes_left = linger.bytes_left.saturating_sub(waste.filled().len());
                }
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
