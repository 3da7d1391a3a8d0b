//! TLS 1.1 as far as deviations speak it: hellos, and nothing that would need keys.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A server's hello of TLS 1.1 with the suite ECDHE-ECDSA-AES128-SHA, in a record.
const SERVER_HELLO: [u8; 7] = [22, 3, 2, 0, 42, 2, 0];
/// A client's hello of TLS 1.1 with one suite and no extensions, in a record.
const CLIENT_HELLO: [u8; 7] = [22, 3, 1, 0, 45, 1, 0];
/// A key exchange of no use, in a record.
const KEY_EXCHANGE: [u8; 9] = [22, 3, 2, 0, 4, 16, 0, 0, 0];
const SUITE: [u8; 2] = [0xc0, 0x09];
const RANDOM: [u8; 32] = [0x5a; 32];
const HELLO_OF_1_1: [u8; 2] = [3, 2];

/// Whether a connection begins with a hello that offers no more than TLS 1.1. Nothing of it is taken away.
pub(crate) async fn is_offered(stream: &TcpStream) -> bool {
    let mut begin = [0; 11];
    // A hello comes in one piece, or is not looked at.
    matches!(stream.peek(&mut begin).await, Ok(11)) && begin[0] == 22 && begin[9..] <= HELLO_OF_1_1[..]
}

/// Chooses it.
pub(crate) async fn choose(mut stream: TcpStream) {
    let mut offered = [0; 4096];
    let hello = [&SERVER_HELLO[..], &[0, 38, 3, 2], &RANDOM, &[0], &SUITE, &[0]].concat();
    // Who has gone does not hear it.
    if stream.read(&mut offered).await.is_ok() && stream.write_all(&hello).await.is_ok() {
        drop(stream.read(&mut offered).await);
    }
}

/// Offers it, and goes on where it is chosen.
pub(crate) async fn offer(address: (&str, u16)) {
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return;
    };
    let hello = [
        &CLIENT_HELLO[..],
        &[0, 41, 3, 2],
        &RANDOM,
        &[0, 0, 2],
        &SUITE,
        &[1, 0],
    ]
    .concat();
    let mut answer = [0; 4096];
    if stream.write_all(&hello).await.is_err() {
        return;
    }
    let read = stream.read(&mut answer).await.unwrap_or_default();
    if read > 11 && answer[0] == 22 && answer[9..11] == HELLO_OF_1_1 {
        drop(stream.write_all(&KEY_EXCHANGE).await);
        drop(stream.read(&mut answer).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lengths_in_the_records_are_right() {
        let of = |head: &[u8], rest: &[&[u8]]| head.len() + rest.concat().len() - 5;
        let hello = of(&SERVER_HELLO, &[&[0, 38, 3, 2], &RANDOM, &[0], &SUITE, &[0]]);
        assert_eq!(hello, usize::from(SERVER_HELLO[4]));
        let hello = of(
            &CLIENT_HELLO,
            &[&[0, 41, 3, 2], &RANDOM, &[0, 0, 2], &SUITE, &[1, 0]],
        );
        assert_eq!(hello, usize::from(CLIENT_HELLO[4]));
    }
}
