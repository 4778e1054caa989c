//! Listeners of every kind, and those who come to them.

mod common {
    pub(crate) mod watchdog;
}

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_queue::connection::{
    AcceptError, Address, BindError, Client, ConnectError, Listener, PathTooLong, Peer,
    RecvBytesError,
};

fn private() -> (Address, PathBuf) {
    match Address::private().unwrap() {
        Address::Unix(path) => (path.clone().into(), path),
        other => panic!("{other}"),
    }
}

fn addresses() -> [Address; 3] {
    let (file, path) = private();
    let name = path.parent().unwrap().file_name().unwrap().as_encoded_bytes().to_vec();
    [file, Address::Abstract(name), SocketAddr::from(([127, 0, 0, 1], 0)).into()]
}

#[test]
fn values_go_over_every_kind_of_address() {
    let _watchdog = watchdog();
    for address in addresses() {
        let listener = Listener::builder().key("secret").bind(address).unwrap();
        let address = listener.address().clone();
        let client = thread::spawn(move || {
            let connection = Client::builder().key("secret").connect(address).unwrap();
            connection.send(&vec![1.5_f64; 100_000]).unwrap();
            connection.recv::<String>().unwrap()
        });
        let connection = listener.accept().unwrap();
        assert_eq!(connection.recv::<Vec<f64>>().unwrap(), vec![1.5; 100_000]);
        connection.send("thanks").unwrap();
        assert_eq!(client.join().unwrap(), "thanks");
        match (listener.address(), listener.last_accepted().unwrap()) {
            (Address::Tcp(_), Peer::Tcp(peer)) => assert!(peer.ip().is_loopback()),
            (_, Peer::Unix { uid }) => assert_eq!(uid, rustix::process::getuid().as_raw()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_socket_file_is_its_owners_alone_and_goes() {
    let (address, path) = private();
    let listener = Listener::bind(address).unwrap();
    let mode = |path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.as_path()), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    drop(listener);
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn its_directory_may_be_a_link() {
    let (_, path) = private();
    let directory = path.parent().unwrap();
    let link = directory.with_extension("link");
    fs::create_dir(directory).unwrap();
    std::os::unix::fs::symlink(directory, &link).unwrap();
    let listener = Listener::bind(link.join("socket")).unwrap();
    Client::connect(listener.address()).unwrap();
    drop(listener);
    fs::remove_file(link).unwrap();
    fs::remove_dir(directory).unwrap();
}

#[test]
fn what_a_dead_listener_left_is_replaced() {
    let (address, path) = private();
    fs::create_dir(path.parent().unwrap()).unwrap();
    // As after a kill: the socket is closed, the file is there.
    drop(UnixListener::bind(&path).unwrap());
    let listener = Listener::bind(&address).unwrap();
    Client::connect(&address).unwrap();
    drop(listener);
    assert!(!path.exists());
    fs::remove_dir(path.parent().unwrap()).unwrap();
}

#[test]
fn a_living_listener_and_other_files_are_not_replaced() {
    let (address, path) = private();
    let in_use = |result: Result<Listener, BindError>| match result {
        Err(BindError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse),
        other => panic!("{other:?}"),
    };
    let listener = Listener::bind(&address).unwrap();
    in_use(Listener::bind(&address));
    drop(listener);
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "precious").unwrap();
    in_use(Listener::bind(&address));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

/// As where a program ends while it is started anew.
#[test]
fn a_listener_that_goes_is_in_the_way_of_no_other() {
    let _watchdog = watchdog();
    let (address, path) = private();
    let is_in_use = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    let take_turns = || {
        for _ in 0..300 {
            let listener = loop {
                match Listener::bind(&address) {
                    Err(BindError::Io(error)) if is_in_use(&error) => thread::yield_now(),
                    bound => break bound.unwrap(),
                }
            };
            // It is there: nobody has taken its file away.
            let second = Listener::bind(&address);
            assert!(matches!(second, Err(BindError::Io(error)) if is_in_use(&error)));
            drop(listener);
        }
    };
    thread::scope(|scope| {
        let others = [(); 3].map(|()| scope.spawn(take_turns));
        others.into_iter().for_each(|other| other.join().unwrap());
    });
    // Whoever has found the directory leaves it.
    let _ = fs::remove_dir(path.parent().unwrap());
}

#[test]
fn a_file_that_is_no_longer_ours_stays() {
    let (address, path) = private();
    let listener = Listener::bind(&address).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "somebody else's").unwrap();
    drop(listener);
    assert!(path.exists());
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn a_path_too_long_says_the_limit() {
    let address = || PathBuf::from(format!("/tmp/{}", "x".repeat(200)));
    let expected = format!("a socket path of 205 bytes, where the system takes {}", 107);
    let error = Listener::bind(address()).unwrap_err();
    assert!(matches!(error, BindError::PathTooLong(_)));
    assert_eq!(error.to_string(), expected);
    let error = Client::connect(address()).unwrap_err();
    assert!(matches!(error, ConnectError::PathTooLong(_)));
    let longest = Address::Abstract(vec![b'x'; PathTooLong::LIMIT]);
    drop(Listener::bind(longest).unwrap());
    let error = Listener::bind(Address::Abstract(vec![b'x'; PathTooLong::LIMIT + 1]));
    assert!(matches!(error, Err(BindError::PathTooLong(_))));
}

#[test]
fn nobody_there_is_an_error() {
    for address in addresses() {
        let error = Client::builder().key("k").connect(&address).unwrap_err();
        assert!(matches!(error, ConnectError::Io(_)), "{address}: {error:?}");
    }
}

#[test]
fn silent_peers_keep_nobody_waiting() {
    let _watchdog = watchdog();
    let (address, path) = private();
    let hour = Duration::from_secs(3600);
    let listener =
        Listener::builder().key("secret").handshake_timeout(hour).bind(&address).unwrap();
    let _silent: Vec<_> = (0..20).map(|_| UnixStream::connect(&path).unwrap()).collect();
    let client = thread::spawn(move || Client::builder().key("secret").connect(address).unwrap());
    listener.accept().unwrap();
    client.join().unwrap();
}

#[test]
fn a_full_lobby_empties_at_the_deadline() {
    let _watchdog = watchdog();
    let (address, path) = private();
    let soon = Duration::from_millis(200);
    let listener = Listener::builder().key("k").handshake_timeout(soon).bind(&address).unwrap();
    let silent: Vec<_> = (0..100).map(|_| UnixStream::connect(&path).unwrap()).collect();
    // On a busy machine it may itself be too slow, and knocks again.
    let connect = move || Client::builder().key("k").connect(&address);
    let client = thread::spawn(move || while connect().is_err() {});
    listener.accept().unwrap();
    client.join().unwrap();
    // There are 64 places, and who comes after a hundred gets the next one.
    assert!(listener.refused() > 100 - 64, "{}", listener.refused());
    drop(silent);
}

#[test]
fn peers_who_talk_nonsense_are_counted_and_others_go_on() {
    let _watchdog = watchdog();
    let (address, path) = private();
    let listener = Listener::builder().key("secret").bind(&address).unwrap();
    for nonsense in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 12], &[0; 400], b"\0\0\0\x03abc"] {
        let mut peer = UnixStream::connect(&path).unwrap();
        io::Write::write_all(&mut peer, nonsense).unwrap();
    }
    drop(UnixStream::connect(&path).unwrap());
    let client = thread::spawn(move || Client::builder().key("secret").connect(address).unwrap());
    listener.accept().unwrap();
    client.join().unwrap();
    while listener.refused() < 5 {
        assert!(matches!(
            listener.accept_timeout(Duration::from_millis(10)),
            Err(AcceptError::TimedOut)
        ));
    }
}

#[test]
fn a_silent_listener_does_not_hang_the_client() {
    let _watchdog = watchdog();
    let (address, path) = private();
    fs::create_dir(path.parent().unwrap()).unwrap();
    let _silent = UnixListener::bind(&path).unwrap();
    let connecting = Client::builder().key("k").timeout(Duration::from_millis(50));
    let error = connecting.connect(address).unwrap_err();
    assert_eq!(error.to_string(), "the handshake was not done in time");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[test]
fn a_full_backlog_does_not_hang_the_client() {
    let _watchdog = watchdog();
    let (address, _) = private();
    let _listener = Listener::builder().backlog(1).bind(&address).unwrap();
    let connecting = Client::builder().timeout(Duration::from_millis(20));
    let mut waiting = Vec::new();
    let error = loop {
        match connecting.clone().connect(&address) {
            Ok(connection) => waiting.push(connection),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ConnectError::TimedOut), "{error:?}");
}

#[test]
fn accept_gives_up_at_its_deadline_and_at_close() {
    let _watchdog = watchdog();
    for address in addresses() {
        let listener = Listener::builder().key("k").bind(address).unwrap();
        assert!(matches!(listener.try_accept(), Err(AcceptError::TimedOut)));
        let timeout = Duration::from_millis(30);
        assert!(matches!(listener.accept_timeout(timeout), Err(AcceptError::TimedOut)));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| listener.accept());
            listener.close();
            assert!(matches!(waiting.join().unwrap(), Err(AcceptError::Closed)));
        });
        assert!(matches!(listener.accept(), Err(AcceptError::Closed)));
    }
}

#[test]
fn the_frame_limit_is_the_builders() {
    let (address, _) = private();
    let listener = Listener::builder().frame_limit(4).bind(&address).unwrap();
    let client = Client::builder().frame_limit(1 << 40).connect(&address).unwrap();
    assert_eq!(client.frame_limit(), 1 << 40);
    client.send_bytes(b"hello").unwrap();
    let connection = listener.accept().unwrap();
    let refused = connection.recv_bytes();
    assert!(matches!(refused, Err(RecvBytesError::TooLong { len: 5, limit: 4 })));
    connection.set_frame_limit(5);
    assert_eq!(connection.recv_bytes().unwrap(), b"hello");
}

#[mp_process::test]
fn what_a_process_without_an_output_prints_does_not_go_to_the_listener() {
    let _watchdog = watchdog();
    fn client(path: PathBuf) {
        // SAFETY: what is printed from now on is lost, and nothing else.
        unsafe {
            libc::close(1);
            libc::close(2);
        }
        let connections = [0, 1].map(|_| Client::connect(path.clone()).unwrap());
        println!("no message");
        eprintln!("nor is this");
        connections.iter().for_each(|connection| connection.send("a message").unwrap());
    }
    let (address, path) = private();
    let listener = Listener::bind(address).unwrap();
    let child = mp_process::spawn(client, (path,)).unwrap();
    for _ in 0..2 {
        let connection = listener.accept().unwrap();
        assert_eq!(connection.recv::<String>().unwrap(), "a message");
    }
    child.join().unwrap();
}
