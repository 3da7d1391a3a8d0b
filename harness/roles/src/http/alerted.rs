//! A stream that tells of an alert as it is read, whoever learns of the error first.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use dmconform_tls::late_alert;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Observer;

/// A stream whose observer is told of the alert by which the other end takes a handshake back. Under TLS 1.3 it comes after this end has
/// completed it.
pub(super) struct Alerted<S> {
    inner: S,
    connection: u64,
    observer: Arc<dyn Observer>,
}

impl<S> Alerted<S> {
    pub(super) const fn new(inner: S, connection: u64, observer: Arc<dyn Observer>) -> Self {
        Self {
            inner,
            connection,
            observer,
        }
    }
}

/// What an alert means for the end that gets it.
pub(super) fn in_words(alert: &str) -> String {
    format!("the peer sent the alert `{alert}`")
}

impl<S: AsyncRead + Unpin> AsyncRead for Alerted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(alert) = late_alert(error)
        {
            self.observer.failed(self.connection, &in_words(&alert), true);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Alerted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
