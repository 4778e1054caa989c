//! A server of NATS on this machine, and agents.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use anyhow::{Context, Result, ensure};
use mp_cluster::Nats;

const TOKEN: &str = "sesame";
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that stores in files, as it does by default, until it is dropped.
pub(super) struct Server {
    process: Child,
    port: u16,
    directory: PathBuf,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let directory = env::temp_dir().join(format!("mp-bench-nats-{}-{port}", process::id()));
        fs::create_dir_all(&directory)?;
        let configuration = format!(
            "listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: {directory:?} }}\n\
             authorization {{ token: \"{TOKEN}\" }}\n"
        );
        let file = directory.join("server.conf");
        fs::write(&file, configuration)?;
        let mut command = Command::new("nats-server");
        let process = command.arg("-c").arg(file).stderr(Stdio::null()).spawn();
        let process = process.context("nats-server is not installed")?;
        let server = Self { process, port, directory };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(began.elapsed() < PATIENCE, "nats-server does not start");
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(super) fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(super) fn token(&self) -> &'static str {
        TOKEN
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Processes of this program that run tasks, with one worker each.
pub(super) struct Agents(Vec<Child>);

impl Agents {
    pub(super) fn start(server: &Server, count: usize) -> Result<Self> {
        let mut agents = Self(Vec::new());
        for _ in 0..count {
            let mut command = Command::new("/proc/self/exe");
            command.env("MP_ROLE", "worker").env("MP_WORKERS", "1");
            command.env("MP_CLUSTER", server.address()).env("MP_CLUSTER_TOKEN", TOKEN);
            agents.0.push(command.spawn().context("an agent")?);
        }
        Ok(agents)
    }

    /// Waits until a client knows all of them.
    pub(super) fn wait(&self, nats: &Nats) -> Result<()> {
        let began = Instant::now();
        while nats.agents().len() < self.0.len() {
            ensure!(began.elapsed() < PATIENCE, "the agents do not start");
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        for agent in &mut self.0 {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}
