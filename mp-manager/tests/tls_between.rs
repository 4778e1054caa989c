//! Somebody sits between two TLS connections, with a certificate that the client trusts.

mod common {
    pub(crate) mod pem;
    pub(crate) mod watchdog;
}

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use common::pem;
use common::watchdog::watchdog;
use mp_manager::tls::{Identity, Trust};
use mp_manager::{Address, Manager, ManagerError};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

const KEY: &str = "a long secret";

/// Whom both sides take for the other.
struct Between {
    listener: TcpListener,
    server: ServerConfig,
    client: ClientConfig,
}

impl Between {
    fn new(certificate: &CertificateDer<'static>, key: &KeyPair) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let server = server.with_single_cert(vec![certificate.clone()], key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider);
        let client = client.with_safe_default_protocol_versions().unwrap();
        let client = client.with_root_certificates(roots).with_no_client_auth();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { listener, server, client }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Passes on what each of them says, word for word; returns the server's verdict.
    fn pass_on(self, server: &Address) -> u8 {
        let (stream, _) = self.listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(self.server)).unwrap();
        let mut client = StreamOwned::new(connection, stream);
        let Address::Tcp(server) = server else { panic!("no internet address: {server}") };
        let stream = TcpStream::connect(server).unwrap();
        let name = ServerName::try_from("manager").unwrap();
        let connection = ClientConnection::new(Arc::new(self.client), name).unwrap();
        let mut server = StreamOwned::new(connection, stream);
        let mut message = [0; 61];
        for (from_client, len) in [(true, 44), (false, 44), (true, 32), (false, 61)] {
            if from_client {
                client.read_exact(&mut message[..len]).unwrap();
                server.write_all(&message[..len]).unwrap();
            } else {
                server.read_exact(&mut message[..len]).unwrap();
                client.write_all(&message[..len]).unwrap();
            }
        }
        message[0]
    }
}

/// It has stolen the server's certificate with its private key, and all the same gets nowhere.
#[mp_process::test]
fn who_sits_between_two_tls_connections_is_found_out() {
    let _watchdog = watchdog();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["manager".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let identity = Identity::from_pem(
        &pem::encode("CERTIFICATE", certificate.der()),
        &pem::encode("PRIVATE KEY", &key.serialize_der()),
    );
    let identity = identity.unwrap();
    let trust = Trust::fingerprint(identity.fingerprint());
    let manager = Manager::builder().key(KEY).tls(identity).start().unwrap();
    let address = manager.address().unwrap().unwrap();
    let connect = |address| Manager::connector(address).key(KEY).tls(trust.clone()).connect();
    assert!(connect(address.clone()).is_ok());

    let between = Between::new(certificate.der(), &key);
    let place = Address::from(between.address());
    let verdict = thread::spawn(move || between.pass_on(&address));
    let refused = connect(place);
    assert!(matches!(refused, Err(ManagerError::NotAdmitted { .. })), "{refused:?}");
    assert_eq!(verdict.join().unwrap(), 2, "a wrong key, as far as the server can tell");
}
