//! Bodies of messages: with their length, or in chunks.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::{Oddities, Oddity};

impl Oddities {
    /// The pieces in which a body goes, where it goes in chunks.
    pub fn chunks(&self, body: &Bytes) -> Option<VecDeque<Bytes>> {
        if !self.has(Oddity::ChunkedBodies) || body.is_empty() {
            return None;
        }
        let mut rest = body.clone();
        let mut pieces = VecDeque::new();
        while !rest.is_empty() {
            // A large body would otherwise be a matter of thousands of chunks.
            let least = u64::try_from(body.len() / 64).unwrap_or(0).max(1);
            let length = self.number(&format!("chunk {}", pieces.len()), least, least + 300);
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
            pieces.push_back(rest.split_to(length));
        }
        Some(pieces)
    }

    /// A body as it goes to the wire.
    pub fn body(&self, body: impl Into<Bytes>) -> OddBody {
        let body = body.into();
        match self.chunks(&body) {
            Some(pieces) => OddBody { pieces, length: None },
            None => OddBody {
                length: Some(body.len() as u64),
                pieces: VecDeque::from([body]),
            },
        }
    }
}

/// A body with its length, or in chunks.
#[derive(Debug)]
pub struct OddBody {
    pieces: VecDeque<Bytes>,
    length: Option<u64>,
}

impl Body for OddBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            match self.pieces.pop_front() {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
                None => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_in_chunks_is_the_same_body_without_its_length() {
        let body: Vec<u8> = (0..5000_u32).flat_map(u32::to_le_bytes).collect();
        for seed in 0..20 {
            let odd = Oddities::new([Oddity::ChunkedBodies], seed).body(body.clone());
            assert!(odd.pieces.len() > 2);
            assert_eq!(odd.size_hint().exact(), None);
            let collected = odd.collect().await.expect("it cannot fail").to_bytes();
            assert_eq!(collected, body);
        }
    }

    #[tokio::test]
    async fn without_the_oddity_a_body_goes_in_one_piece_with_its_length() {
        let odd = Oddities::default().body(b"body".to_vec());
        assert_eq!((odd.pieces.len(), odd.size_hint().exact()), (1, Some(4)));
        let nothing = Oddities::new([Oddity::ChunkedBodies], 0).body(Vec::new());
        assert!(nothing.is_end_stream());
        assert_eq!(nothing.size_hint().exact(), Some(0));
    }
}
