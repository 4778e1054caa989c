//! `Listener` and `Client`: who is killed over a handshake keeps nobody else from connecting.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use mp_queue::connection::{Address, ByteConnection, Client, Listener, RecvBytesError};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// More than a socket holds.
const LARGE: usize = 1_000_000;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

/// Long enough for anybody but the dead.
const PATIENCE: Duration = Duration::from_secs(30);

const KEY: &str = "known to both";

pub(super) fn operations() -> Vec<Operation> {
    vec![bound(), connected(), accepted(), sent(), received()]
}

/// A socket file in a directory of its own; what is left of them in the end goes with this.
struct Place(PathBuf);

impl Place {
    fn new(_: &Notes) -> Place {
        let directory = format!("mp-killed-{}-socket", std::process::id());
        Place(std::env::temp_dir().join(directory).join("socket"))
    }

    fn bind(&self) -> Listener {
        Listener::builder().key(KEY).bind(Address::Unix(self.0.clone())).unwrap()
    }

    fn connect(&self) -> ByteConnection {
        Client::builder().key(KEY).connect(Address::Unix(self.0.clone())).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Mostly they are gone with the listener.
        let _ = fs::remove_file(&self.0);
        let _ = self.0.parent().map(fs::remove_dir);
    }
}

/// Another process connects, and is heard.
fn meets(place: &Place, listener: &Listener) -> Verdict {
    let partner =
        Partner::start(|| place.connect().send_bytes(b"hello").map_err(|e| e.to_string()));
    let connection = listener.accept_timeout(PATIENCE).map_err(|error| error.to_string())?;
    let told = connection.recv_bytes_timeout(PATIENCE).map_err(|error| error.to_string())?;
    ensure!(told == b"hello", "heard {told:?}");
    partner.join()
}

/// What a dead listener leaves is in no other listener's way.
fn bound() -> Operation {
    operation("Listener: bound and closed, listener", Place::new)
        .victim(|place, _| {
            Notes::mark();
            drop(place.bind());
        })
        .check(|place, notes| {
            let is_there = fs::exists(&place.0).map_err(|error| error.to_string())?;
            ensure!(!is_there || !notes.is_finished(), "its file is left over");
            meets(place, &place.bind())
        })
}

struct Served {
    place: Place,
    listener: Listener,
    /// The victim's, on this side.
    connection: Option<ByteConnection>,
}

impl Served {
    fn new(notes: &Notes) -> Served {
        let place = Place::new(notes);
        let listener = place.bind();
        Served { place, listener, connection: None }
    }

    /// Goes on with the handshakes.
    fn go_on(&mut self) {
        if let Ok(connection) = self.listener.try_accept() {
            self.connection = Some(connection);
        }
    }
}

fn connected() -> Operation {
    operation("Client: connected with a key and heard, client", Served::new)
        .victim(|served, _| {
            Notes::mark();
            let connection = served.place.connect();
            connection.send_bytes(b"hello").unwrap();
        })
        .assist(|served, _| served.go_on())
        .check(|served, notes| {
            while notes.is_finished() && served.connection.is_none() {
                served.go_on();
            }
            if let Some(connection) = served.connection.take() {
                let heard = connection.recv_bytes_timeout(PATIENCE);
                let is_right = match &heard {
                    Ok(told) => told == b"hello",
                    Err(RecvBytesError::Disconnected | RecvBytesError::Torn) => {
                        !notes.is_finished()
                    }
                    Err(_) => false,
                };
                ensure!(is_right, "heard {heard:?}");
            }
            while let Ok(connection) = served.listener.try_accept() {
                drop(connection);
            }
            meets(&served.place, &served.listener)
        })
}

struct Knocked {
    place: Place,
    /// All have it, and whoever lives may accept.
    listener: Listener,
    partner: Partner,
}

impl Knocked {
    fn new(notes: &Notes) -> Knocked {
        let place = Place::new(notes);
        let listener = place.bind();
        let partner = Partner::waiting(|| {
            let address = Address::Unix(place.0.clone());
            let client = Client::builder().key(KEY).timeout(PATIENCE);
            let Ok(connection) = client.connect(address) else { return Ok(()) };
            match connection.recv_bytes_timeout(PATIENCE) {
                Ok(told) if told == b"welcome" => Ok(()),
                Err(RecvBytesError::Disconnected | RecvBytesError::Torn) => Ok(()),
                heard => Err(format!("heard {heard:?}")),
            }
        });
        Knocked { place, listener, partner }
    }
}

/// Who knocks is let in, by somebody, or told that its host is gone.
fn accepted() -> Operation {
    operation("Listener: knocked at, with a key, listener", Knocked::new)
        .victim(|knocked, _| {
            knocked.partner.let_wait();
            Notes::mark();
            let connection = knocked.listener.accept().unwrap();
            connection.send_bytes(b"welcome").unwrap();
        })
        .check(|Knocked { place, listener, partner }, _| {
            partner.go();
            while !partner.has_ended() {
                if let Ok(connection) = listener.accept_timeout(A_WHILE) {
                    // Whether it is still there does not matter.
                    let _ = connection.send_bytes(b"welcome");
                }
            }
            partner.join()?;
            meets(place, listener)
        })
}

/// Two connections that are connected with each other, and what came here.
type Ends = (Option<ByteConnection>, Option<ByteConnection>, Vec<u8>);

fn ends(notes: &Notes) -> Ends {
    let place = Place::new(notes);
    let listener = Listener::bind(Address::Unix(place.0.clone())).unwrap();
    let there = Client::connect(listener.address()).unwrap();
    (Some(listener.accept().unwrap()), Some(there), Vec::new())
}

fn sent() -> Operation {
    operation("ByteConnection: sent, large", ends)
        .victim(|(here, there, _), _| {
            let (_, there) = (here.take(), there.take().unwrap());
            let bytes = vec![7; LARGE];
            Notes::mark();
            there.send_bytes(&bytes).unwrap();
        })
        .apart(|(_, there, _)| drop(there.take()))
        .assist(|(here, _, came), _| {
            // What has come of it is kept for the next call.
            came.extend(here.as_ref().unwrap().try_recv_bytes().unwrap_or_default());
        })
        .check(|(here, _, came), notes| {
            let here = here.take().unwrap();
            while let Ok(bytes) = here.recv_bytes_timeout(PATIENCE) {
                came.extend(bytes);
            }
            ensure!(came.is_empty() || *came == [7; LARGE], "a message is torn");
            ensure!(!came.is_empty() || !notes.is_finished(), "the message is lost");
            Ok(())
        })
}

fn received() -> Operation {
    operation("ByteConnection: received, small", ends)
        .victim(|(here, there, _), _| {
            let (_, there) = (here.take(), there.take().unwrap());
            Notes::mark();
            assert_eq!(there.recv_bytes().unwrap(), [7; 20]);
        })
        .apart(|(_, there, _)| drop(there.take()))
        .assist(|(here, ..), _| {
            let _ = here.as_ref().unwrap().send_bytes(&[7; 20]);
        })
        .check(|(here, ..), _| {
            let here = here.take().unwrap();
            while here.send_bytes_timeout(&[7; 20], PATIENCE).is_ok() {}
            ensure!(here.recv_bytes_timeout(PATIENCE).is_err(), "something came of nobody");
            Ok(())
        })
}
