//! A real Python at the other end: framing with any version, the SHA-256 handshake with 3.12 and
//! later, the MD5 one with earlier versions for those who opt in (feature `legacy-md5`).

mod common {
    pub(crate) mod python;
    pub(crate) mod watchdog;
}

use std::net::SocketAddr;
use std::time::Duration;

use common::python::{Python, interpreters};
use common::watchdog::watchdog;
use mp_queue::connection::{
    Address, AuthError, ByteConnection, Client, ConnectError, Listener, RecvBytesError,
};

/// The first version whose handshake is the modern one.
const MODERN: (u32, u32) = (3, 12);

const PRELUDE: &str = "
import sys
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
family, where, key = sys.argv[1:4]
address = {'tcp': ('127.0.0.1', int(where) if where.isdigit() else 0),
           'unix': where, 'abstract': '\\0' + where}[family]
key = key.encode() or None
SIZES = (0, 1, 16384, 16385, 1 << 20)
";

/// Sends messages of all sizes, and wants each back with its bytes in reverse.
const CLIENT: &str = "
try:
    connection = Client(address, authkey=key)
except AuthenticationError:
    print('AuthenticationError', flush=True)
    sys.exit()
for size in SIZES:
    message = bytes(i % 251 for i in range(size))
    connection.send_bytes(message)
    assert connection.recv_bytes() == message[::-1], size
connection.close()
print('fine', flush=True)
";

/// Sends each message back with its bytes in reverse.
const SERVER: &str = "
listener = Listener(address, authkey=key)
print(listener.address[1] if family == 'tcp' else '', flush=True)
try:
    connection = listener.accept()
except AuthenticationError:
    print('AuthenticationError', flush=True)
    sys.exit()
try:
    while True:
        connection.send_bytes(connection.recv_bytes()[::-1])
except EOFError:
    print('fine', flush=True)
";

/// The interpreters that `is_wanted`, or a word that there is none.
fn pythons(is_wanted: impl Fn((u32, u32)) -> bool, wanted: &str) -> Vec<Python> {
    let pythons: Vec<_> =
        interpreters().into_iter().filter(|python| is_wanted(python.version)).collect();
    if pythons.is_empty() {
        eprintln!("skipped: there is no Python {wanted} here");
    }
    pythons
}

fn script(body: &str) -> String {
    format!("{PRELUDE}{body}")
}

/// An address of each kind, and how the scripts are told of it.
fn addresses() -> [(Address, &'static str); 3] {
    let Address::Unix(path) = Address::private().unwrap() else { unreachable!("a path") };
    let name = path.parent().unwrap().file_name().unwrap().as_encoded_bytes().to_vec();
    let tcp = SocketAddr::from(([127, 0, 0, 1], 0));
    [(tcp.into(), "tcp"), (path.into(), "unix"), (Address::Abstract(name), "abstract")]
}

/// The second argument of the scripts.
fn place(address: &Address) -> String {
    match address {
        Address::Unix(path) => path.to_str().unwrap().to_owned(),
        Address::Abstract(name) => String::from_utf8(name.clone()).unwrap(),
        Address::Tcp(address) => address.port().to_string(),
        _ => unreachable!("no other kind"),
    }
}

/// Sends each message back with its bytes in reverse, as the script does.
fn serve(connection: &ByteConnection) {
    loop {
        match connection.recv_bytes() {
            Ok(message) => {
                connection.send_bytes(&message.into_iter().rev().collect::<Vec<_>>()).unwrap();
            }
            Err(RecvBytesError::Disconnected) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

fn use_server(connection: &ByteConnection) {
    for size in [0, 1, 16384, 16385, 1 << 20] {
        let message: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        connection.send_bytes(&message).unwrap();
        assert!(connection.recv_bytes().unwrap().iter().eq(message.iter().rev()));
    }
}

/// A Python client comes to a Rust listener.
fn python_comes(python: &Python, key: Option<&str>, legacy: bool) {
    for (address, family) in addresses() {
        let mut builder = Listener::builder().without_key();
        if let Some(key) = key {
            builder = builder.key(key);
        }
        #[cfg(feature = "legacy-md5")]
        if legacy {
            builder = builder.legacy_md5();
        }
        #[cfg(not(feature = "legacy-md5"))]
        assert!(!legacy);
        let listener = builder.bind(address).unwrap();
        let place = place(listener.address());
        let mut client = python.run(&script(CLIENT), &[family, &place, key.unwrap_or("")]);
        serve(&listener.accept().unwrap());
        assert_eq!(client.line(), "fine", "{family}");
        client.finish();
    }
}

/// A Rust client goes to a Python listener.
fn rust_goes(python: &Python, key: Option<&str>, legacy: bool) {
    for (address, family) in addresses() {
        if let Address::Unix(path) = &address {
            std::fs::create_dir(path.parent().unwrap()).unwrap();
        }
        let key_argument = key.unwrap_or("");
        let mut server = python.run(&script(SERVER), &[family, &place(&address), key_argument]);
        let port = server.line();
        let address = match address {
            Address::Tcp(_) => SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())).into(),
            other => other,
        };
        let mut builder = Client::builder();
        if let Some(key) = key {
            builder = builder.key(key);
        }
        #[cfg(feature = "legacy-md5")]
        if legacy {
            builder = builder.legacy_md5();
        }
        #[cfg(not(feature = "legacy-md5"))]
        assert!(!legacy);
        let connection = builder.connect(&address).unwrap();
        use_server(&connection);
        drop(connection);
        assert_eq!(server.line(), "fine", "{family}");
        server.finish();
        if let Address::Unix(path) = &address {
            let _ = std::fs::remove_dir_all(path.parent().unwrap());
        }
    }
}

#[test]
fn without_a_key_every_python_talks() {
    let _watchdog = watchdog();
    for python in pythons(|_| true, "3") {
        python_comes(&python, None, false);
        rust_goes(&python, None, false);
    }
}

#[test]
fn with_a_key_a_modern_python_talks() {
    let _watchdog = watchdog();
    for python in pythons(|version| version >= MODERN, "3.12 or later") {
        for key in ["secret", "a very long key ".repeat(20).as_str()] {
            python_comes(&python, Some(key), false);
            rust_goes(&python, Some(key), false);
        }
    }
}

#[cfg(feature = "legacy-md5")]
#[test]
fn who_opts_in_talks_to_every_python() {
    let _watchdog = watchdog();
    for python in pythons(|_| true, "3") {
        python_comes(&python, Some("secret"), true);
        rust_goes(&python, Some("secret"), true);
    }
}

#[test]
fn an_old_python_is_refused_otherwise() {
    let _watchdog = watchdog();
    for python in pythons(|version| version < MODERN, "3.11 or earlier") {
        let listener = Listener::builder().key("secret").bind(Address::private().unwrap()).unwrap();
        let place = place(listener.address());
        let mut client = python.run(&script(CLIENT), &["unix", &place, "secret"]);
        while listener.refused() == 0 {
            listener.accept_timeout(Duration::from_millis(10)).unwrap_err();
        }
        assert_eq!(client.line(), "AuthenticationError");

        let mut server = python.run(&script(SERVER), &["tcp", "0", "secret"]);
        let port = server.line().parse().unwrap();
        let refused = Client::builder()
            .key("secret")
            .connect(SocketAddr::from(([127, 0, 0, 1], port)))
            .unwrap_err();
        assert!(matches!(refused, ConnectError::Auth(AuthError::Legacy)), "{refused}");
    }
}

#[test]
fn a_wrong_key_is_refused_on_either_side() {
    let _watchdog = watchdog();
    for python in pythons(|version| version >= MODERN, "3.12 or later") {
        let listener = Listener::builder().key("secret").bind(Address::private().unwrap()).unwrap();
        let place = place(listener.address());
        let mut client = python.run(&script(CLIENT), &["unix", &place, "wrong"]);
        while listener.refused() == 0 {
            listener.accept_timeout(Duration::from_millis(10)).unwrap_err();
        }
        assert_eq!(client.line(), "AuthenticationError");

        let mut server = python.run(&script(SERVER), &["tcp", "0", "secret"]);
        let port = server.line().parse().unwrap();
        let refused = Client::builder()
            .key("wrong")
            .connect(SocketAddr::from(([127, 0, 0, 1], port)))
            .unwrap_err();
        assert!(matches!(refused, ConnectError::Auth(AuthError::Rejected)), "{refused}");
        assert_eq!(server.line(), "AuthenticationError");
    }
}
