//! A server of the test's own, on this machine, which can be killed and started again.

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What messages are sealed with.
pub(crate) const SECRET: &str = "the secret of the tests";

const TOKEN: &str = "sesame";

/// A server with a store, and a token to be known.
pub(crate) struct Server {
    port: u16,
    directory: PathBuf,
    process: Option<Child>,
    /// Where it listens.
    host: String,
    is_encrypted: bool,
    /// What it knows of others.
    cluster: String,
}

impl Server {
    /// Starts one; says so, and returns nothing, if there is none on this machine.
    pub(crate) fn start() -> Option<Self> {
        let mut server = Self::prepare()?;
        server.run();
        Some(server)
    }

    /// Starts one that encrypts, with a certificate of its own.
    pub(crate) fn start_encrypted() -> Option<Self> {
        Self::start_encrypted_at("127.0.0.1")
    }

    /// As [`start_encrypted`](Self::start_encrypted), at an address of this machine.
    pub(crate) fn start_encrypted_at(host: &str) -> Option<Self> {
        let mut server = Self::prepare()?;
        server.host = host.into();
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=localhost"]);
        openssl.args(["-addext", &format!("subjectAltName=IP:{host}")]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-keyout").arg(server.directory.join("key.pem"));
        openssl.arg("-out").arg(server.certificate());
        if !openssl.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            eprintln!("skipped: openssl is not installed");
            return None;
        }
        server.is_encrypted = true;
        server.run();
        Some(server)
    }

    /// Starts three that keep everything together.
    pub(crate) fn start_three() -> Option<[Self; 3]> {
        let mut servers = [Self::prepare()?, Self::prepare()?, Self::prepare()?];
        let ports = [free_port(), free_port(), free_port()];
        let routes = ports.map(|port| format!("\"nats://127.0.0.1:{port}\"")).join(", ");
        for (server, port) in servers.iter_mut().zip(ports) {
            server.cluster = format!(
                "server_name: \"s{port}\"\n\
                 cluster {{ name: three, listen: \"127.0.0.1:{port}\", routes: [{routes}] }}\n"
            );
            server.run();
        }
        Some(servers)
    }

    fn at(port: u16, directory: PathBuf) -> Self {
        Self {
            port,
            directory,
            process: None,
            host: "127.0.0.1".into(),
            is_encrypted: false,
            cluster: String::new(),
        }
    }

    fn prepare() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if Command::new("nats-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: nats-server is not installed (apt-get install nats-server)");
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nats-{}-{number}", std::process::id());
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let port = free_port();
        Some(Self::at(port, directory))
    }

    /// That of another process, which has put its address into the environment.
    pub(crate) fn of_environment() -> Self {
        let address = std::env::var("MP_CLUSTER").unwrap();
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
        Self::at(port, PathBuf::new())
    }

    /// Starts it again, with what it has stored.
    pub(crate) fn run(&mut self) {
        let store = self.directory.join("store");
        let configuration = format!(
            "listen: \"{}:{}\"\njetstream {{ store_dir: {:?} }}\n\
             authorization {{ token: \"{TOKEN}\" }}\nping_interval: \"2s\"\nping_max: 2\n",
            self.host, self.port, store
        );
        let tls = format!(
            "tls {{ cert_file: {:?}, key_file: {:?} }}\n",
            self.certificate(),
            self.directory.join("key.pem")
        );
        let configuration =
            configuration + &self.cluster + if self.is_encrypted { &tls } else { "" };
        let path = self.directory.join("server.conf");
        fs::write(&path, configuration).unwrap();
        let log = self.directory.join("log");
        let log = fs::File::options().create(true).append(true).open(log).unwrap();
        let process = Command::new("nats-server").arg("-c").arg(&path).stderr(log).spawn();
        self.process = Some(process.unwrap());
        let began = Instant::now();
        while TcpStream::connect((self.host.as_str(), self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "the server does not start");
            sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Removes all that it has stored.
    pub(crate) fn wipe(&self) {
        fs::remove_dir_all(self.directory.join("store")).unwrap();
    }

    pub(crate) fn address(&self) -> String {
        let scheme = if self.is_encrypted { "tls" } else { "nats" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// The file of its certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    pub(crate) fn token(&self) -> &'static str {
        TOKEN
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        // That of another process has none here.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A port that nobody listens at, nor will one of the other servers of these tests.
fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}
