//! A server of the test's own, on this machine, which can be killed and started again.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
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
}

impl Server {
    /// Starts one; says so, and returns nothing, if there is none on this machine.
    pub(crate) fn start() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if Command::new("nats-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: nats-server is not installed (apt-get install nats-server)");
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nats-{}-{number}", std::process::id());
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut server = Self { port, directory, process: None };
        server.run();
        Some(server)
    }

    /// That of another process, which has put its address into the environment.
    pub(crate) fn of_environment() -> Self {
        let address = std::env::var("MP_CLUSTER").unwrap();
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap();
        Self { port, directory: PathBuf::new(), process: None }
    }

    /// Starts it again, with what it has stored.
    pub(crate) fn run(&mut self) {
        let store = self.directory.join("store");
        let configuration = format!(
            "listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: {:?} }}\n\
             authorization {{ token: \"{TOKEN}\" }}\nping_interval: \"2s\"\nping_max: 2\n",
            self.port, store
        );
        let path = self.directory.join("server.conf");
        fs::write(&path, configuration).unwrap();
        let log = self.directory.join("log");
        let log = fs::File::options().create(true).append(true).open(log).unwrap();
        let process = Command::new("nats-server").arg("-c").arg(&path).stderr(log).spawn();
        self.process = Some(process.unwrap());
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
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
        format!("nats://127.0.0.1:{}", self.port)
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
