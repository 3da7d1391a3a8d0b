//! The body of an answer as it goes to the wire: it says when the first octet is written, and breaks off where a
//! fault asks for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use dmconform_oddity::Oddities;
use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::server::{Fault, Reply as Answer};

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Reply(pub(super) String);

/// A body that is written in one piece, or breaks off in the middle.
pub(super) struct WireBody {
    pieces: VecDeque<Bytes>,
    /// Nothing where the body goes in chunks.
    length: Option<u64>,
    breaks_off: bool,
    /// The time until the next octet, where they are written one at a time.
    trickle: Option<Pin<Box<tokio::time::Sleep>>>,
    /// The time until the connection is closed in the middle: what was written before has to be out by then.
    until_break: Option<Pin<Box<tokio::time::Sleep>>>,
}

/// How long the first half of a body has to get out.
const BEFORE_BREAK: Duration = Duration::from_millis(20);

/// How long nothing happens between two octets of a body that trickles in.
const BETWEEN_OCTETS: Duration = Duration::from_millis(5);

impl WireBody {
    /// Makes the answer of a reply. The hook runs here: hyper writes the header next, on this very task.
    pub(super) async fn response(reply: Answer, oddities: &Oddities) -> Result<hyper::Response<Self>, Reply> {
        let Answer {
            status,
            headers,
            body,
            fault,
            before_write,
        } = reply;
        match fault {
            Some(Fault::Never) => {
                std::future::pending::<Infallible>().await;
            }
            Some(Fault::CloseBefore) => return Err(Reply("closed instead of an answer".to_owned())),
            _ => {}
        }
        let mut response = hyper::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        if fault == Some(Fault::CloseAfter) {
            response = response.header("connection", "close");
        }
        let whole = body.len() as u64;
        let breaks_off = fault == Some(Fault::CloseMiddle);
        let kept = if breaks_off { body.len() / 2 } else { body.len() };
        let mut bytes = Bytes::from(body);
        bytes.truncate(kept);
        let (pieces, length) = match oddities.chunks(&bytes) {
            Some(pieces) => (pieces, None),
            None => (VecDeque::from([bytes]), Some(whole)),
        };
        let body = Self {
            pieces,
            length,
            breaks_off,
            until_break: breaks_off.then(|| Box::pin(tokio::time::sleep(BEFORE_BREAK))),
            trickle: (fault == Some(Fault::Trickle)).then(|| Box::pin(tokio::time::sleep(BETWEEN_OCTETS))),
        };
        let response = response.body(body).map_err(|error| Reply(error.to_string()))?;
        if let Some(before_write) = before_write {
            before_write();
        }
        Ok(response)
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = Reply;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reply>>> {
        if let Some(next) = &mut self.trickle {
            std::task::ready!(next.as_mut().poll(context));
            next.as_mut().reset(tokio::time::Instant::now() + BETWEEN_OCTETS);
            // The timer has to be asked again, or nobody is woken by it.
            let _ = next.as_mut().poll(context);
            let left = self.pieces.front_mut().filter(|bytes| bytes.len() > 1);
            // The last octet never comes.
            return left.map_or(Poll::Pending, |bytes| {
                Poll::Ready(Some(Ok(Frame::data(bytes.split_to(1)))))
            });
        }
        self.pieces.retain(|piece| !piece.is_empty());
        match self.pieces.pop_front() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            _ if self.breaks_off => {
                if let Some(until) = &mut self.until_break {
                    std::task::ready!(until.as_mut().poll(context));
                }
                Poll::Ready(Some(Err(Reply("broken off in the middle".to_owned()))))
            }
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.breaks_off && self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
