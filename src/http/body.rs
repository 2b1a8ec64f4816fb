//! The body of a response: nothing, one piece of memory, or a stream.
//!
//! A whole body is one [`Bytes`]: hyper writes it together with its head in one vectored write, and TLS takes it in
//! 64 KiB steps. A stream is for what has no length: event streams and the API's own bodies. Dropping a body that was
//! not sent to its end ends whatever feeds it.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

/// Why a streamed body ended early; the connection is cut.
pub type BodyError = Box<dyn StdError + Send + Sync>;

pub struct Body {
    inner: Inner,
    counter: Option<Arc<AtomicU64>>,
}

enum Inner {
    Empty,
    Full(Bytes),
    Stream(UnsyncBoxBody<Bytes, BodyError>),
}

impl Body {
    pub const fn empty() -> Body {
        Body { inner: Inner::Empty, counter: None }
    }

    pub fn full(bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        Body { inner: if bytes.is_empty() { Inner::Empty } else { Inner::Full(bytes) }, counter: None }
    }

    /// Any other body, axum's among them.
    pub fn stream<B>(body: B) -> Body
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BodyError>,
    {
        Body { inner: Inner::Stream(body.map_err(Into::into).boxed_unsync()), counter: None }
    }

    /// Adds the bytes to `counter` as they are handed to the connection. A body that is not counted pays nothing.
    pub fn counted(mut self, counter: Arc<AtomicU64>) -> Body {
        self.counter = Some(counter);
        self
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::full(bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match &mut this.inner {
            Inner::Empty => None,
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                this.inner = Inner::Empty;
                Some(Ok(Frame::data(bytes)))
            }
            Inner::Stream(stream) => ready!(Pin::new(stream).poll_frame(cx)),
        };
        if let (Some(counter), Some(Ok(frame))) = (&this.counter, &frame) {
            counter.fetch_add(frame.data_ref().map_or(0, Bytes::len) as u64, Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Empty => true,
            Inner::Full(_) => false,
            Inner::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(stream) => stream.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;

    #[tokio::test]
    async fn a_whole_body_is_one_frame_and_knows_its_length() {
        let counter = Arc::new(AtomicU64::new(0));
        let mut body = Body::full("hello").counted(counter.clone());
        assert_eq!(body.size_hint().exact(), Some(5));
        assert!(!body.is_end_stream());
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
        assert_eq!(counter.load(Relaxed), 5);
    }

    #[tokio::test]
    async fn a_stream_is_passed_on_and_counted() {
        let counter = Arc::new(AtomicU64::new(0));
        let body = Body::stream(http_body_util::Full::new(Bytes::from_static(b"abc"))).counted(counter.clone());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        assert_eq!(counter.load(Relaxed), 3);
    }

    #[test]
    fn an_empty_body_is_at_its_end() {
        assert!(Body::full(Bytes::new()).is_end_stream());
        assert_eq!(Body::empty().size_hint().exact(), Some(0));
    }
}
