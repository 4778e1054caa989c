//! The handle of a cluster.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mp_pool::Executor;

use crate::client::Client;
use crate::config::{Config, Credentials};
use crate::error::ClusterError;
use crate::init;

/// The machines of a cluster, as what runs the calls of a pool: `Pool::with(Nats::from_env()?)`.
///
/// The servers are those of NATS, with JetStream. The workers are processes of this very program
/// that were started with `MP_ROLE=worker`, anywhere; they may come and go.
///
/// - **A task runs at least once, and has exactly one result.** Which of its runs that is from, if
///   there were several, is left to chance. A worker's death is its task's
///   [`WorkerLost`](mp_pool::TaskErrorKind::WorkerLost), unless the call has `retries`; a machine's
///   death has its tasks begun elsewhere, up to [`attempts`](NatsBuilder::attempts) times.
/// - **What the servers lose goes out again.** The client keeps what has no result.
/// - **Every call ends,** also if nobody is there: see [`patience`](NatsBuilder::patience).
///
/// Clones are handles of one client. When the last one is dropped, and the pool made of it, what is
/// left to do is given up.
#[derive(Clone)]
pub struct Nats {
    client: Arc<Client>,
}

/// How a cluster is reached: from [`Nats::builder`].
#[derive(Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct NatsBuilder {
    config: Result<Config, Arc<ClusterError>>,
}

/// A process that runs tasks for the cluster, as it has told last.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agent {
    /// Its machine.
    pub host: String,
    /// Its process id there.
    pub pid: u32,
    /// How many tasks it runs at the same time.
    pub workers: usize,
    /// How many chunks of tasks it has.
    pub held: usize,
    /// Tasks that its workers have answered since it was started.
    pub finished: u64,
    /// How many of the chunks had a failure.
    pub failed: u64,
}

impl Nats {
    /// Connects to the cluster that the environment names:
    ///
    /// | variable | |
    /// |---|---|
    /// | `MP_CLUSTER` | the servers: `tls://host:4222`, several with commas between them; `nats://` on this machine |
    /// | `MP_CLUSTER_TOKEN`, `MP_CLUSTER_NKEY` | what they ask for: a token, or the seed of a key or a file with it; a password may stand in the address |
    /// | `MP_CLUSTER_SECRET` | what tasks and results are sealed with; by default that token, seed or password |
    /// | `MP_CLUSTER_CA`, `MP_CLUSTER_CERT`, `MP_CLUSTER_KEY` | files: whom to trust, and who this is |
    /// | `MP_CLUSTER_LEASE`, `MP_CLUSTER_PATIENCE`, `MP_CLUSTER_REPLICAS` | see [`NatsBuilder`]; times in seconds |
    ///
    /// # Errors
    ///
    /// A variable is missing or makes no sense, no server answers, or it refuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_cluster::{ClusterError, Nats};
    ///
    /// mp_cluster::init();
    /// // `MP_CLUSTER` is not set here.
    /// let missing = Nats::from_env();
    /// assert!(matches!(missing, Err(ClusterError::Setting { name: "MP_CLUSTER", .. })));
    /// ```
    pub fn from_env() -> Result<Self, ClusterError> {
        Self::connect(Config::from_env()?)
    }

    /// Prepares a connection to some servers, named as in `MP_CLUSTER`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_cluster::{ClusterError, Nats};
    ///
    /// mp_cluster::init();
    /// // Nobody would see the token but the servers: so this is refused.
    /// let plain = Nats::builder("nats://far.example:4222").token("sesame").connect();
    /// assert!(matches!(plain, Err(ClusterError::Plain { .. })));
    /// ```
    pub fn builder(servers: &str) -> NatsBuilder {
        NatsBuilder { config: Config::new(servers).map_err(Arc::new) }
    }

    /// The processes that run tasks of this build, of those that were heard of in the last seconds.
    #[must_use]
    pub fn agents(&self) -> Vec<Agent> {
        let crew = self.client.core().crew();
        let mut agents: Vec<Agent> = crew
            .agents()
            .map(|beat| Agent {
                host: beat.host.clone(),
                pid: beat.pid,
                workers: beat.workers,
                held: beat.held,
                finished: beat.finished,
                failed: beat.failed,
            })
            .collect();
        agents.sort_by(|a, b| (&a.host, a.pid).cmp(&(&b.host, b.pid)));
        agents
    }

    fn connect(config: Config) -> Result<Self, ClusterError> {
        if !init::is_initialized() {
            return Err(ClusterError::NotInitialized);
        }
        Ok(Self { client: Arc::new(Client::connect(config)?) })
    }
}

impl NatsBuilder {
    /// Sets the token that the servers ask for.
    pub fn token(self, token: impl Into<String>) -> Self {
        self.change(|config| config.credentials = Credentials::Token(token.into()))
    }

    /// Sets the seed of the key that the servers know.
    pub fn nkey(self, seed: impl Into<String>) -> Self {
        self.change(|config| config.credentials = Credentials::Nkey(seed.into()))
    }

    /// Sets what tasks and results are sealed with. Workers have to know it too: `MP_CLUSTER_SECRET`.
    pub fn secret(self, secret: impl Into<String>) -> Self {
        self.change(|config| config.secret = Some(secret.into()))
    }

    /// Sets the file of the certificates to trust, instead of those of the system.
    pub fn ca(self, certificates: impl Into<PathBuf>) -> Self {
        self.change(|config| config.ca = Some(certificates.into()))
    }

    /// Sets the files of this client's certificate and key, if the servers ask for one.
    pub fn certificate(self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.change(|config| config.certificate = Some((certificate.into(), key.into())))
    }

    /// Sets how long the client waits for a server, or for a worker of its build, until what has
    /// no result ends with [`Unavailable`](mp_pool::TaskErrorKind::Unavailable); a minute by
    /// default.
    pub fn patience(self, patience: Duration) -> Self {
        self.change(|config| config.patience = patience)
    }

    /// Sets how many machines a task may cost, whatever its call says about `retries`: after so
    /// many losses it ends with [`WorkerLost`](mp_pool::TaskErrorKind::WorkerLost). Three by
    /// default.
    pub fn attempts(self, attempts: u32) -> Self {
        self.change(|config| config.attempts = attempts.max(1))
    }

    /// Sets how many servers keep each task and result: three survive the loss of one. One by
    /// default. Workers have to be told the same: `MP_CLUSTER_REPLICAS`.
    pub fn replicas(self, replicas: usize) -> Self {
        self.change(|config| config.replicas = replicas)
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// A setting makes no sense, no server answers, or it refuses.
    pub fn connect(self) -> Result<Nats, ClusterError> {
        match self.config {
            Ok(config) => Nats::connect(config),
            Err(error) => Err(Arc::try_unwrap(error).unwrap_or_else(|shared| {
                let (name, reason) = (crate::config::ADDRESS, shared.to_string());
                ClusterError::Setting { name, reason }
            })),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Config)) -> Self {
        if let Ok(config) = &mut self.config {
            change(config);
        }
        self
    }
}

impl From<Nats> for Arc<dyn Executor> {
    fn from(nats: Nats) -> Self {
        nats.client
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats").field("agents", &self.agents().len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for NatsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBuilder").field("config", &self.config).finish()
    }
}
