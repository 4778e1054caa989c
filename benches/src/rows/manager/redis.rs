//! Redis, over a Unix socket or TCP, without persistence; the server is ours alone.
#![allow(unsafe_code)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use redis::{Commands, Connection};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::clients::Client;
use crate::rows::pool::rings::Helper;

/// So long may the server take to start.
const PATIENCE: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Redis {
    connection: Connection,
    /// The server, which is killed when its last client is dropped.
    _server: Arc<Helper>,
}

impl Redis {
    pub(super) fn start(how_many: usize) -> Result<Vec<Self>> {
        Self::start_at(how_many, 0, |socket| format!("unix://{}", socket.display()))
    }

    pub(super) fn start_tcp(how_many: usize) -> Result<Vec<Self>> {
        // Nobody else takes it so soon.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        Self::start_at(how_many, port, |_| format!("redis://127.0.0.1:{port}"))
    }

    fn start_at(
        how_many: usize,
        port: u16,
        address: impl Fn(&Path) -> String,
    ) -> Result<Vec<Self>> {
        let version = Command::new("redis-server").arg("--version").output();
        ensure!(version.is_ok(), "redis-server is not installed");
        let directory = Directory::new()?;
        let socket = directory.0.join("socket");
        let address = address(&socket);
        let server = Arc::new(Helper::start(serve, (directory.0.clone(), socket, port))?);
        let connect = |_| {
            let connection = connect(&address)?;
            Ok(Self { connection, _server: Arc::clone(&server) })
        };
        // Connections outlive the name of the socket, so nothing is left behind by any death.
        (0..how_many).map(connect).collect()
    }
}

impl Client for Redis {
    fn get(&mut self, key: &str) -> Result<u64> {
        Ok(self.connection.get(key)?)
    }

    fn set(&mut self, key: &str, value: u64) -> Result<()> {
        Ok(self.connection.set(key, value)?)
    }

    fn update(&mut self, items: &[(String, u64)]) -> Result<()> {
        let mut pipeline = redis::pipe();
        for (key, value) in items {
            pipeline.set(key, value).ignore();
        }
        Ok(pipeline.query(&mut self.connection)?)
    }
}

/// A directory for the socket, removed when all are connected.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mp-bench-{}-{count}", process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the server in a process that is killed when this program dies, however it dies; the
/// server dies with that process.
fn serve(directory: PathBuf, socket: PathBuf, port: u16) {
    let mut server = Command::new("redis-server");
    server.arg("--bind").arg("127.0.0.1").arg("--port").arg(port.to_string());
    server.arg("--unixsocket").arg(socket).arg("--dir").arg(directory);
    server.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]).stdout(Stdio::null());
    die_with_parent(&mut server);
    let mut server = server.spawn().expect("redis-server");
    let _ = server.wait();
}

fn die_with_parent(command: &mut Command) {
    // SAFETY: it makes one system call, and allocates nothing.
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
}

fn connect(address: &str) -> Result<Connection> {
    let client = redis::Client::open(address)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match client.get_connection() {
            Err(error) if Instant::now() > deadline => return Err(error).context("no server"),
            Err(_) => thread::sleep(Duration::from_millis(1)),
            Ok(connection) => return Ok(connection),
        }
    }
}
