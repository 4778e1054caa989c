//! Connections that nobody else can read: who is trusted, and what is to be seen from outside.

mod common {
    pub(crate) mod knock;
    pub(crate) mod pem;
    pub(crate) mod watchdog;
}

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use common::watchdog::watchdog;
use common::{knock, pem};
use mp_manager::tls::{Identity, Trust};
use mp_manager::{Address, DictProxy, ListProxy, Manager, ManagerError, QueueProxy};
use mp_process::spawn;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

const KEY: &str = "a long secret";

fn start(identity: Identity) -> (Manager, Address) {
    let manager = Manager::builder().key(KEY).tls(identity).start().unwrap();
    let address = manager.address().unwrap().unwrap();
    (manager, address)
}

fn pinned() -> (Manager, Address, Trust) {
    let identity = Identity::self_signed().unwrap();
    let trust = Trust::fingerprint(identity.fingerprint());
    let (manager, address) = start(identity);
    (manager, address, trust)
}

fn connect(address: &Address, trust: &Trust) -> Result<Manager, ManagerError> {
    Manager::connector(address).key(KEY).tls(trust.clone()).connect()
}

fn reason(refused: Result<Manager, ManagerError>) -> String {
    match refused.unwrap_err() {
        ManagerError::NotAdmitted { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[mp_process::test]
fn all_goes_through_tls_whatever_its_size() {
    let _watchdog = watchdog();
    let (manager, address, trust) = pinned();
    let there = connect(&address, &trust).unwrap();
    let queue: QueueProxy<Vec<u8>> = there.queue(0).unwrap();
    for len in [0, 1, 16 << 10, 17 << 10, 1 << 20, 9 << 20] {
        queue.put(&vec![7; len]).unwrap();
        assert_eq!(queue.get().unwrap(), vec![7; len]);
    }
    thread::scope(|scope| {
        for n in 0..4 {
            let queue = queue.clone();
            scope.spawn(move || (0..200).for_each(|_| queue.put(&vec![n; 1000]).unwrap()));
        }
        assert_eq!((0..800).map(|_| queue.get().unwrap().len()).sum::<usize>(), 800_000);
    });
    drop(queue);
    while !manager.objects().unwrap().is_empty() {
        thread::yield_now();
    }
}

#[mp_process::test]
fn a_proxy_brings_its_trust_along() {
    let _watchdog = watchdog();
    let (_manager, address, trust) = pinned();
    let list: ListProxy<u8> = connect(&address, &trust).unwrap().list().unwrap();
    let push = |list: ListProxy<u8>| {
        list.push(&1).unwrap();
        list
    };
    let same = spawn(push, (list,)).unwrap().join().unwrap();
    assert_eq!(same.snapshot().unwrap(), [1]);
}

#[mp_process::test]
fn another_certificate_is_not_trusted() {
    let _watchdog = watchdog();
    let (_manager, address, trust) = pinned();
    let other = Trust::fingerprint(Identity::self_signed().unwrap().fingerprint());
    let reason = reason(connect(&address, &other));
    assert!(reason.starts_with("it is not to be trusted: invalid peer certificate"), "{reason}");
    assert!(connect(&address, &trust).is_ok());
}

#[mp_process::test]
fn the_key_is_asked_for_as_well() {
    let _watchdog = watchdog();
    let (_manager, address, trust) = pinned();
    let wrong = Manager::connector(&address).key("another").tls(trust).connect();
    assert_eq!(reason(wrong), "it has another key");
}

#[mp_process::test]
fn who_does_not_seal_what_it_says_is_not_let_in() {
    let _watchdog = watchdog();
    let (_manager, address, trust) = pinned();
    assert!(Manager::connect(&address, KEY).is_err());
    let mut stream = knock::connect(&address);
    stream.write_all(&knock::hello()).unwrap();
    knock::wait_for_end(stream);
    // Nor is a server that does not.
    let open = Manager::builder().key(KEY).start().unwrap();
    assert!(connect(&open.address().unwrap().unwrap(), &trust).is_err());
}

/// An authority, and what it says of a server of that name.
fn authority(name: &str) -> (Vec<u8>, Identity) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = pem::encode("CERTIFICATE", params.self_signed(&key).unwrap().der());
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer);
    let (leaf, key) = (
        pem::encode("CERTIFICATE", leaf.unwrap().der()),
        pem::encode("PRIVATE KEY", &key.serialize_der()),
    );
    (root, Identity::from_pem(&leaf, &key).unwrap())
}

#[mp_process::test]
fn an_authority_says_which_server_is_trusted() {
    let _watchdog = watchdog();
    let (root, identity) = authority("objects.example");
    let (_manager, address) = start(identity);
    let trust = |root, name| Trust::authority(root, name).unwrap();
    assert!(connect(&address, &trust(&root, "objects.example")).is_ok());
    assert!(reason(connect(&address, &trust(&root, "other.example"))).contains("certificate"));
    let (stranger, _) = authority("objects.example");
    let unknown = connect(&address, &trust(&stranger, "objects.example"));
    assert!(reason(unknown).contains("certificate"));
    assert!(Trust::authority(b"nothing", "objects.example").is_err());
    assert!(Identity::from_pem(b"nothing", b"nothing").is_err());
}

#[mp_process::test]
fn a_certificate_and_a_key_that_do_not_fit_are_refused() {
    let pair = || {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        (
            pem::encode("CERTIFICATE", certificate.der()),
            pem::encode("PRIVATE KEY", &key.serialize_der()),
        )
    };
    let ((one, key), (other, _)) = (pair(), pair());
    assert!(Identity::from_pem(&one, &key).is_ok());
    assert!(Identity::from_pem(&other, &key).is_err());
}

/// Sits between the two, and keeps all that goes by.
fn listen_in(server: &Address) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::default());
    let (server, kept) = (server.clone(), Arc::clone(&heard));
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = knock::connect(&server);
        let back = (server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&kept));
        thread::spawn(move || pass_on(back.0, back.1, &back.2));
        pass_on(client, server, &kept);
    });
    (address, heard)
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, heard: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut chunk) {
        heard.lock().unwrap().extend_from_slice(&chunk[..len]);
        if to.write_all(&chunk[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[mp_process::test]
fn who_listens_in_hears_nothing() {
    const SAID: &str = "nobody else is to know this";
    let _watchdog = watchdog();
    for is_sealed in [true, false] {
        let builder = Manager::builder().key(KEY);
        let identity = Identity::self_signed().unwrap();
        let trust = Trust::fingerprint(identity.fingerprint());
        let builder = if is_sealed { builder.tls(identity) } else { builder };
        let manager = builder.start().unwrap();
        let (between, heard) = listen_in(&manager.address().unwrap().unwrap());
        let there = Manager::connector(between).key(KEY);
        let there = if is_sealed { there.tls(trust) } else { there }.connect().unwrap();
        let dict: DictProxy<String, String> = there.dict().unwrap();
        dict.set("word", &SAID.to_owned()).unwrap();
        assert_eq!(dict.get("word").unwrap().as_deref(), Some(SAID));
        let heard = heard.lock().unwrap();
        let is_heard = |text: &[u8]| heard.windows(text.len()).any(|some| some == text);
        assert_eq!([is_heard(SAID.as_bytes()), is_heard(b"mpM1")], [!is_sealed; 2]);
    }
}
