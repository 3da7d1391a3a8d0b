//! Relays between two ends that pass on what is said, and cut a connection at a chosen place.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// How long the ends of a cut connection may take to notice.
const LIMIT: Duration = Duration::from_secs(10);

/// A place in what passes during a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which relay.
    pub(crate) relay: usize,
    /// Which of the connections through it that carry something in this case.
    pub(crate) connection: usize,
    /// Which turn on it: one ends where the other end begins to speak.
    pub(crate) turn: usize,
    /// How many octets of that turn.
    pub(crate) octets: usize,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Both ends are reset.
    Reset,
    /// Both ends are told that nothing more comes.
    Fin,
}

/// What is to be cut where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) place: Place,
    pub(crate) how: How,
}

/// What all relays around one product share.
#[derive(Default)]
pub(crate) struct Wire {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the case.
    case: u64,
    cut: Option<Cut>,
    is_cut: bool,
    /// How many connections through each relay have carried something in this case.
    connections: Vec<usize>,
    /// The turns of this case, each with its length.
    turns: Vec<Place>,
}

/// How far a connection has come in a case.
#[derive(Default)]
struct At {
    case: u64,
    connection: usize,
    turn: usize,
    octets: usize,
    by_caller: bool,
}

impl Wire {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no relay panics")
    }

    /// Another case begins, in which a connection is cut, or none.
    pub(crate) fn begin(&self, cut: Option<Cut>) {
        let mut state = self.lock();
        *state = State {
            case: state.case + 1,
            cut,
            ..State::default()
        };
    }

    /// The turns of the case so far, each with its length.
    pub(crate) fn turns(&self) -> Vec<Place> {
        self.lock().turns.clone()
    }

    /// Whether the cut was made.
    pub(crate) fn is_cut(&self) -> bool {
        self.lock().is_cut
    }

    /// Takes note of octets that one end has sent; after how many of them the connection is cut, and how.
    fn pass(&self, relay: usize, at: &mut At, by_caller: bool, octets: usize) -> Option<(usize, How)> {
        let mut state = self.lock();
        if at.case != state.case {
            // What is left of an earlier case.
            return None;
        }
        if at.octets == 0 && at.turn == 0 {
            if state.connections.len() <= relay {
                state.connections.resize(relay + 1, 0);
            }
            *at = At {
                case: state.case,
                connection: state.connections[relay],
                by_caller,
                ..At::default()
            };
            state.connections[relay] += 1;
        } else if at.by_caller != by_caller {
            at.turn += 1;
            at.octets = 0;
            at.by_caller = by_caller;
        }
        let before = at.octets;
        at.octets += octets;
        let place = Place {
            relay,
            connection: at.connection,
            turn: at.turn,
            octets: at.octets,
        };
        let is_same = |other: &Place| Place { octets: 0, ..*other } == Place { octets: 0, ..place };
        match state.turns.iter_mut().find(|turn| is_same(turn)) {
            Some(turn) => *turn = place,
            None => state.turns.push(place),
        }
        let Cut { place: cut, how } = state.cut.filter(|cut| is_same(&cut.place))?;
        let is_here = (before..at.octets).contains(&cut.octets);
        state.is_cut |= is_here;
        is_here.then(|| (cut.octets - before, how))
    }
}

/// A relay that has its address, and listens to nobody yet.
pub(crate) struct Relay {
    socket: TcpSocket,
    to: SocketAddr,
}

impl Relay {
    pub(crate) fn to(to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(anywhere).expect("loopback has a free port");
        Self { socket, to }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// Begins to relay, as one of several.
    pub(crate) fn open(self, number: usize, wire: &Arc<Wire>) {
        let Self { socket, to } = self;
        let listener = socket.listen(64).expect("the address is its own");
        let wire = Arc::clone(wire);
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let wire = Arc::clone(&wire);
                tokio::spawn(async move {
                    // Nobody listening there is what the caller finds out, too.
                    if let Ok(called) = TcpStream::connect(to).await {
                        between(caller, called, &wire, number).await;
                    }
                });
            }
        });
    }
}

async fn between(mut caller: TcpStream, mut called: TcpStream, wire: &Wire, number: usize) {
    let mut at = At {
        case: wire.lock().case,
        ..At::default()
    };
    let (mut from_caller, mut from_called) = ([0; 4096], [0; 4096]);
    let (mut caller_ended, mut called_ended) = (false, false);
    while !(caller_ended && called_ended) {
        let (by_caller, read) = tokio::select! {
            read = caller.read(&mut from_caller), if !caller_ended => (true, read),
            read = called.read(&mut from_called), if !called_ended => (false, read),
        };
        let (said, listener, ended) = match by_caller {
            true => (&from_caller, &mut called, &mut caller_ended),
            false => (&from_called, &mut caller, &mut called_ended),
        };
        let Ok(read) = read else {
            return reset(&caller, &called);
        };
        if read == 0 {
            *ended = true;
            let _ = listener.shutdown().await;
            continue;
        }
        let cut = wire.pass(number, &mut at, by_caller, read);
        let passed = cut.map_or(read, |(octets, _)| octets);
        if listener.write_all(&said[..passed]).await.is_err() {
            return reset(&caller, &called);
        }
        match cut {
            Some((_, How::Reset)) => return reset(&caller, &called),
            Some((_, How::Fin)) => return finish(caller, called).await,
            None => {}
        }
    }
}

/// Closing a socket resets the connection from now on.
fn reset(caller: &TcpStream, called: &TcpStream) {
    for end in [caller, called] {
        let _ = end.set_zero_linger();
    }
}

/// Says that nothing more comes, and listens to nothing more.
async fn finish(mut caller: TcpStream, mut called: TcpStream) {
    for end in [&mut caller, &mut called] {
        let _ = end.shutdown().await;
    }
    let mut ignored = (tokio::io::sink(), tokio::io::sink());
    let rest = async {
        let _ = tokio::join!(
            tokio::io::copy(&mut caller, &mut ignored.0),
            tokio::io::copy(&mut called, &mut ignored.1)
        );
    };
    let _ = tokio::time::timeout(LIMIT, rest).await;
}
