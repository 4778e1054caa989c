//! The connection to the servers, and what is to be there for a build: two streams.

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{
    Config as StreamConfig, DiscardPolicy, RetentionPolicy, Stream,
};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerError};
use mp_process::BuildId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::config::{Config, Credentials};
use crate::error::ClusterError;
use crate::names::{Lane, Names};
use crate::seal::{self, Seal};

/// What is not fetched for so long is nobody's any more.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

/// A server may take a moment to remove the files of a stream that was deleted. If one of the same
/// name is made before, it removes those of that.
const REMOVAL: Duration = Duration::from_secs(1);

/// Whether a server can be spoken to, and what has changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Health {
    /// How many connections there were so far.
    pub(crate) connections: u64,
    /// The server does not let this process in any more.
    pub(crate) refused: bool,
}

/// The connection of a client or an agent.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) engine: Context,
    pub(crate) names: Names,
    pub(crate) seal: Seal,
    pub(crate) health: watch::Receiver<Health>,
    pub(crate) config: Arc<Config>,
    /// How long to wait before a stream that is gone is made anew.
    pause: Duration,
}

impl Link {
    /// Connects to one of the servers. One that is not there yet is waited for, one that refuses
    /// is not.
    pub(crate) async fn connect(config: Arc<Config>, wait: Duration) -> Result<Self, ClusterError> {
        config.check_encryption()?;
        let build = BuildId::current().map_err(ClusterError::system("read this program's file"))?;
        let secret = config.sealing_secret()?;
        mp_process::befriend(seal::friends_secret(&secret, build))?;
        let (sender, health) = watch::channel(Health::default());
        let sender = Arc::new(sender);
        let deadline = Instant::now() + wait;
        let client = loop {
            let options = options(&config, Arc::clone(&sender));
            match options.connect(config.servers.as_slice()).await {
                Ok(client) => break client,
                Err(error) => {
                    use ConnectErrorKind::{Authentication, AuthorizationViolation};
                    let servers = config.server_names();
                    if matches!(error.kind(), Authentication | AuthorizationViolation) {
                        return Err(ClusterError::Refused { servers });
                    }
                    if Instant::now() >= deadline {
                        let reason = error.to_string();
                        return Err(ClusterError::Unreachable { servers, reason });
                    }
                }
            }
            sleep(Duration::from_millis(100)).await;
        };
        let engine = ContextBuilder::new().timeout(Duration::from_secs(5)).build(client.clone());
        let (names, seal) = (Names::new(build), Seal::new(&secret, build));
        let pause = Duration::ZERO;
        let link = Self { client, engine, names, seal, health, config, pause };
        link.tasks().await?;
        link.results().await?;
        Ok(Self { pause: REMOVAL, ..link })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// The stream of tasks, which is made if it is not there.
    pub(crate) async fn tasks(&self) -> Result<Stream, ClusterError> {
        self.stream(StreamConfig {
            name: self.names.tasks(),
            subjects: vec![self.names.all_tasks()],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_age: OLDEST,
            num_replicas: self.config.replicas,
            ..StreamConfig::default()
        })
        .await
    }

    /// The stream of results, which is made if it is not there.
    pub(crate) async fn results(&self) -> Result<Stream, ClusterError> {
        self.stream(StreamConfig {
            name: self.names.results(),
            subjects: vec![self.names.all_results()],
            discard: DiscardPolicy::New,
            max_age: OLDEST,
            num_replicas: self.config.replicas,
            ..StreamConfig::default()
        })
        .await
    }

    async fn stream(&self, config: StreamConfig) -> Result<Stream, ClusterError> {
        if let Ok(stream) = self.engine.get_stream(&config.name).await {
            return Ok(stream);
        }
        let mut last = None;
        sleep(self.pause).await;
        // Others may be making it at this moment.
        for pause in [0, 50, 200, 500] {
            sleep(Duration::from_millis(pause)).await;
            match self.engine.get_or_create_stream(config.clone()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error.to_string()),
            }
        }
        let reason = last.unwrap_or_default();
        Err(ClusterError::Engine { what: "keep a stream of messages (is JetStream on?)", reason })
    }

    /// The consumer of the tasks of a lane, which all agents share.
    pub(crate) async fn consumer(&self, lane: Lane) -> Result<PullConsumer, ClusterError> {
        let config = pull::Config {
            durable_name: Some(lane.name().into()),
            filter_subject: self.names.tasks_of_lane(lane),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.config.lease,
            // Deliveries into dead connections count as well, so that a limit would strand tasks.
            max_deliver: -1,
            max_ack_pending: -1,
            max_waiting: 8192,
            ..pull::Config::default()
        };
        let tasks = self.tasks().await?;
        tasks
            .create_consumer(config)
            .await
            .map_err(ClusterError::engine("make a consumer of tasks"))
    }

    /// Forgets what there is of a stream on one subject, up to a message or all of it.
    pub(crate) async fn purge(&self, stream: &Stream, subject: String, up_to: Option<u64>) {
        // What is left by a failure is too old some day.
        let purge = stream.purge().filter(subject);
        let _ = match up_to {
            Some(sequence) => purge.sequence(sequence + 1).await,
            None => purge.await,
        };
    }

    /// A message that may be lost.
    pub(crate) async fn tell(&self, subject: String, message: Vec<u8>) {
        // Whoever does not hear it hears the next one.
        let _ = self.client.publish(subject, message.into()).await;
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("config", &self.config).finish_non_exhaustive()
    }
}

fn options(config: &Config, health: Arc<watch::Sender<Health>>) -> ConnectOptions {
    let mut options = ConnectOptions::new()
        .name("multiprocess")
        .connection_timeout(Duration::from_secs(5))
        // A server that is cut off is noticed within two of these.
        .ping_interval(Duration::from_secs(2))
        .reconnect_delay_callback(|attempts| Duration::from_millis(50 << attempts.min(5)))
        .max_reconnects(None)
        .event_callback(move |event| {
            match event {
                Event::Connected => health.send_modify(|health| health.connections += 1),
                Event::ServerError(ServerError::AuthorizationViolation) => {
                    health.send_modify(|health| health.refused = true);
                }
                _ => {}
            }
            std::future::ready(())
        });
    options = match &config.credentials {
        Credentials::None => options,
        Credentials::Token(token) => options.token(token.clone()),
        Credentials::Password(user, password) => {
            options.user_and_password(user.clone(), password.clone())
        }
        Credentials::Nkey(seed) => options.nkey(seed.clone()),
    };
    if config.servers.iter().any(|server| server.tls_required()) {
        options = options.require_tls(true);
    }
    if let Some(ca) = &config.ca {
        options = options.add_root_certificates(ca.clone());
    }
    if let Some((certificate, key)) = &config.certificate {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    options
}

/// The error of a publication that the server did not take.
pub(crate) type NotTaken = jetstream::context::PublishError;
