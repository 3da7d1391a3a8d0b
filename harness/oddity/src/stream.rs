//! A stream that writes in small pieces, or pauses in the middle of a message.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::{Oddities, Oddity};

/// Over TLS each write is a record of its own.
#[derive(Debug)]
pub struct OddStream<S> {
    inner: S,
    /// The most octets that are written at once.
    piece: usize,
    pause: Option<Duration>,
    /// Whether the other end has said something since the last pause.
    may_pause: bool,
    pausing: Option<Pin<Box<Sleep>>>,
}

impl Oddities {
    /// A stream with these oddities.
    pub fn stream<S>(&self, inner: S) -> OddStream<S> {
        let piece = match self.has(Oddity::SmallRecords) {
            true => usize::try_from(self.number("record", 7, 90)).unwrap_or(usize::MAX),
            false => usize::MAX,
        };
        let pause = self.has(Oddity::PausesInMessages);
        OddStream {
            inner,
            piece,
            pause: pause.then(|| Duration::from_millis(self.number("pause", 10, 60))),
            may_pause: true,
            pausing: None,
        }
    }

    /// How long an answer waits before it is sent.
    pub fn delay(&self) -> Option<Duration> {
        self.has(Oddity::LateAnswers)
            .then(|| Duration::from_millis(self.number("delay", 20, 120)))
    }
}

impl<S> OddStream<S> {
    const fn is_odd(&self) -> bool {
        self.piece != usize::MAX || self.pause.is_some()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for OddStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        self.may_pause |= buffer.filled().len() > before;
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for OddStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(pausing) = &mut self.pausing {
            ready!(pausing.as_mut().poll(cx));
            self.pausing = None;
        }
        let pause = self.pause.filter(|_| self.may_pause && octets.len() > 1);
        let most = if pause.is_some() {
            octets.len() / 2
        } else {
            octets.len()
        };
        let piece = &octets[..most.min(self.piece)];
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, piece))?;
        if let Some(pause) = pause {
            self.may_pause = false;
            self.pausing = Some(Box::pin(sleep(pause)));
            // The half is to be on its way before the pause; whether it is all out by then does not matter.
            let _ = Pin::new(&mut self.inner).poll_flush(cx)?;
        }
        Poll::Ready(Ok(written))
    }

    /// Head and body of a message are one record, as they are where nothing is odd.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.is_odd() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(cx, first.map_or(&[], |slice| slice));
        }
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        !self.is_odd() && self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test]
    async fn small_records_are_small_and_together_all_there_is() {
        let (near, mut far) = duplex(64 * 1024);
        let mut odd = Oddities::new([Oddity::SmallRecords], 3).stream(near);
        let first = odd.write(&[7; 5000]).await.expect("there is room");
        assert!((7..=90).contains(&first), "{first} octets at once");
        odd.write_all(&vec![7; 5000 - first])
            .await
            .expect("there is room");
        drop(odd);
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.expect("it is readable");
        assert_eq!(read, [7; 5000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_pauses_once_and_the_next_one_pauses_again() {
        let (near, mut far) = duplex(64 * 1024);
        let mut odd = Oddities::new([Oddity::PausesInMessages], 3).stream(near);
        let mut pauses = Vec::new();
        for _ in 0..2 {
            let began = Instant::now();
            odd.write_all(&[7; 100]).await.expect("there is room");
            odd.write_all(&[7; 100]).await.expect("there is room");
            pauses.push(began.elapsed());
            far.write_all(b"answer").await.expect("there is room");
            odd.read_exact(&mut [0; 6]).await.expect("it is there");
        }
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(62));
        assert!(
            pauses.iter().all(|pause| (least..=most).contains(pause)),
            "{pauses:?}"
        );
        let mut read = vec![0; 400];
        far.read_exact(&mut read).await.expect("all of it arrives");
    }
}
