//! The frame budget of an HTTP/2 connection: the decrypted stream as hyper sees it, its frame headers counted by type.
//!
//! hyper answers every PING and SETTINGS and takes any number of PRIORITY, empty DATA, CONTINUATION and unknown frames;
//! each costs its sender nothing. This wrapper reads the nine bytes before each frame (RFC 9113 section 4.1), skips the
//! payload, and cuts the connection whose control frames exceed the budget of `limits`. WINDOW_UPDATE grows with what is
//! downloaded, so its budget does too.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::limits::Limits;
use crate::http::watch::Watch;

const PREFACE_BYTES: u32 = 24;
const FRAME_HEADER_BYTES: usize = 9;
/// A client may send one WINDOW_UPDATE for so many bytes it was sent, on top of the control-frame budget.
const BYTES_PER_WINDOW_UPDATE: u64 = 512;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const FLAG_END_STREAM: u8 = 1;
const FLAG_END_HEADERS: u8 = 4;

/// More control frames than the budget allows.
#[derive(Debug, PartialEq, Eq)]
pub struct Flood;

/// Walks over frames without keeping them.
pub struct FrameMeter {
    /// Bytes of the preface or of a payload that are passed over before the next frame header.
    skip: u32,
    header: [u8; FRAME_HEADER_BYTES],
    header_len: usize,
    preface_seen: bool,
    /// A field block was begun and its last frame has not come.
    block_open: bool,
    control_max: u32,
    control: u32,
    control_window: u32,
    window_updates: u64,
}

impl FrameMeter {
    pub fn new(control_max: u32) -> FrameMeter {
        FrameMeter {
            skip: PREFACE_BYTES,
            header: [0; FRAME_HEADER_BYTES],
            header_len: 0,
            preface_seen: false,
            block_open: false,
            control_max,
            control: 0,
            control_window: 0,
            window_updates: 0,
        }
    }

    /// Walks over what was read; `watch` gives the present window and what was sent, and is told of open field blocks.
    pub fn walk(&mut self, mut bytes: &[u8], watch: &Watch) -> Result<(), Flood> {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = bytes.len().min(self.skip as usize);
                self.skip -= skipped as u32;
                bytes = &bytes[skipped..];
                if self.skip > 0 {
                    break;
                }
                self.end_of_payload(watch);
                continue;
            }
            let taken = bytes.len().min(FRAME_HEADER_BYTES - self.header_len);
            self.header[self.header_len..self.header_len + taken].copy_from_slice(&bytes[..taken]);
            self.header_len += taken;
            bytes = &bytes[taken..];
            if self.header_len == FRAME_HEADER_BYTES {
                self.header_len = 0;
                self.count(watch)?;
                if self.skip == 0 {
                    self.end_of_payload(watch);
                }
            }
        }
        Ok(())
    }

    /// A frame header is complete.
    fn count(&mut self, watch: &Watch) -> Result<(), Flood> {
        let [high, middle, low, kind, flags, ..] = self.header;
        self.skip = u32::from_be_bytes([0, high, middle, low]);
        let costs_nothing_to_send = match kind {
            DATA => self.skip == 0 && flags & FLAG_END_STREAM == 0,
            HEADERS => {
                self.block_open = true;
                watch.set_head_open(true);
                false
            }
            WINDOW_UPDATE => {
                self.window_updates += 1;
                if self.window_updates > u64::from(self.control_max) + watch.bytes_out() / BYTES_PER_WINDOW_UPDATE {
                    return Err(Flood);
                }
                false
            }
            _ => true,
        };
        if matches!(kind, HEADERS | CONTINUATION) && flags & FLAG_END_HEADERS != 0 {
            self.block_open = false;
        }
        if costs_nothing_to_send {
            let window = watch.control_window();
            if std::mem::replace(&mut self.control_window, window) != window {
                self.control = 0;
            }
            self.control += 1;
            if self.control > self.control_max {
                return Err(Flood);
            }
        }
        Ok(())
    }

    fn end_of_payload(&mut self, watch: &Watch) {
        if !std::mem::replace(&mut self.preface_seen, true) {
            watch.set_greeted();
        } else if !self.block_open {
            watch.set_head_open(false);
        }
    }
}

/// A connection with its meter.
pub struct Metered<IO> {
    io: IO,
    meter: FrameMeter,
    watch: Arc<Watch>,
}

impl<IO> Metered<IO> {
    pub fn new(io: IO, limits: &Limits, watch: Arc<Watch>) -> Metered<IO> {
        Metered { io, meter: FrameMeter::new(limits.h2_control_frames_max), watch }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Metered<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        this.watch.read(fresh.len());
        this.meter.walk(fresh, &this.watch).map_err(|Flood| {
            tracing::debug!("an HTTP/2 connection exceeded its budget of control frames and was cut");
            io::Error::new(io::ErrorKind::InvalidData, "too many HTTP/2 control frames")
        })?;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Metered<IO> {
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
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0, (payload >> 8) as u8, payload as u8, kind, flags, 0, 0, 0, 1];
        frame.resize(FRAME_HEADER_BYTES + payload, 0xAA);
        frame
    }

    fn connection(frames: &[Vec<u8>]) -> Vec<u8> {
        [vec![b'P'; PREFACE_BYTES as usize], frames.concat()].concat()
    }

    fn walk(bytes: &[u8], piece: usize, watch: &Watch) -> Result<(), Flood> {
        let mut meter = FrameMeter::new(10);
        bytes.chunks(piece).try_for_each(|piece| meter.walk(piece, watch))
    }

    #[test]
    fn frames_that_cost_nothing_are_counted_wherever_they_are_split() {
        // PRIORITY, RST_STREAM, SETTINGS, PING, CONTINUATION, unknown, empty DATA.
        for (kind, payload) in [(2, 5), (3, 4), (4, 0), (6, 8), (9, 3), (0xEE, 700), (DATA, 0)] {
            for piece in [1, 7, 10_000] {
                let within = connection(&vec![frame(kind, 0, payload); 10]);
                assert_eq!(walk(&within, piece, &Watch::default()), Ok(()), "{kind}");
                let over = connection(&vec![frame(kind, 0, payload); 11]);
                assert_eq!(walk(&over, piece, &Watch::default()), Err(Flood), "{kind}");
            }
        }
    }

    #[test]
    fn requests_and_bodies_are_not_counted() {
        let frames =
            [frame(HEADERS, FLAG_END_HEADERS, 40), frame(DATA, 0, 16_000), frame(DATA, FLAG_END_STREAM, 0)].concat();
        assert_eq!(walk(&connection(&vec![frames; 100]), 999, &Watch::default()), Ok(()));
    }

    #[test]
    fn window_updates_may_be_as_many_as_the_bytes_sent_call_for() {
        let watch = Watch::default();
        let updates = connection(&vec![frame(WINDOW_UPDATE, 0, 4); 20]);
        assert_eq!(walk(&updates, 100, &watch), Err(Flood));
        watch.wrote(&Poll::Ready(Ok(10 * BYTES_PER_WINDOW_UPDATE as usize)));
        assert_eq!(walk(&updates, 100, &watch), Ok(()));
    }
}
