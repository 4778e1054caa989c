//! The engine alone: numbers go through a work queue to workers and come back through a stream, as
//! durable as ours, with nothing around it. No function is named, nothing is sealed, nobody looks
//! after what is lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, RetentionPolicy, Stream};
use async_nats::jetstream::{self, Context as Engine};
use futures_util::{StreamExt, TryStreamExt, stream};
use mp_process::Process;
use tokio::runtime::Runtime;

use super::server::Server;

/// How many messages are under way at once.
const AHEAD: usize = 256;

/// A client, a server, and workers in processes of their own.
pub(super) struct Bare {
    runtime: Runtime,
    engine: Engine,
    results: PullConsumer,
    workers: Vec<Process<()>>,
    _server: Server,
}

impl Bare {
    pub(super) fn new(workers: usize) -> Result<Self> {
        let server = Server::start()?;
        let runtime = runtime()?;
        let (engine, results) = runtime.block_on(async {
            let engine = connect(&server.address(), server.token()).await?;
            stream(&engine, "tasks", RetentionPolicy::WorkQueue).await?;
            let results = stream(&engine, "results", RetentionPolicy::Limits).await?;
            let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
            anyhow::Ok((engine, results.create_consumer(config).await?))
        })?;
        let start = |_| mp_process::spawn(work, (server.address(), server.token().to_owned()));
        let workers = (0..workers).map(start).collect::<Result<_, _>>()?;
        Ok(Self { runtime, engine, results, workers, _server: server })
    }

    /// Sends so many numbers, and waits for as many results.
    pub(super) fn map(&mut self, count: u64) -> Result<()> {
        let Self { runtime, engine, results, .. } = self;
        runtime.block_on(async {
            let send = stream::iter(0..count).map(|n| publish(engine, "tasks", n)).buffered(AHEAD);
            let send = send.try_for_each(|()| async { Ok(()) });
            let messages = results.stream().max_messages_per_batch(AHEAD).messages().await?;
            let mut messages = messages.take(count as usize);
            let take = async {
                let mut taken = 0;
                while messages.try_next().await?.is_some() {
                    taken += 1;
                }
                anyhow::Ok(taken)
            };
            let ((), taken) = tokio::try_join!(send, take)?;
            ensure!(taken == count, "{taken} results of {count}");
            Ok(())
        })
    }

    /// Sends one number after the other, each when the result of the last has come.
    pub(super) fn apply(&mut self, count: u64) -> Result<()> {
        let Self { runtime, engine, results, .. } = self;
        runtime.block_on(async {
            let mut messages = results.stream().max_messages_per_batch(AHEAD).messages().await?;
            for n in 0..count {
                let take = async { Ok(messages.try_next().await?) };
                let ((), result) = tokio::try_join!(publish(engine, "tasks", n), take)?;
                result.context("a result")?;
            }
            Ok(())
        })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.workers.iter().for_each(|worker| {
            let _ = worker.kill();
        });
    }
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

async fn connect(address: &str, token: &str) -> Result<Engine> {
    let client = ConnectOptions::new().token(token.into()).connect(address).await?;
    Ok(jetstream::new(client))
}

async fn stream(engine: &Engine, name: &str, retention: RetentionPolicy) -> Result<Stream> {
    let config = Config { name: name.into(), retention, ..Config::default() };
    Ok(engine.get_or_create_stream(config).await?)
}

/// Puts a number into a stream; ends when the server has it.
async fn publish(engine: &Engine, subject: &'static str, number: u64) -> Result<()> {
    engine.publish(subject, number.to_le_bytes().to_vec().into()).await?.await?;
    Ok(())
}

/// A worker: takes numbers, sends results, and acknowledges then.
fn work(address: String, token: String) {
    let worked: Result<()> = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let engine = connect(&address, &token).await?;
            let tasks = stream(&engine, "tasks", RetentionPolicy::WorkQueue).await?;
            let config = pull::Config {
                durable_name: Some("workers".into()),
                ack_wait: Duration::from_secs(30),
                max_ack_pending: -1,
                ..pull::Config::default()
            };
            let consumer = tasks.get_or_create_consumer("workers", config).await?;
            let tasks = consumer.stream().max_messages_per_batch(AHEAD).messages().await?;
            let answer = async |message: jetstream::Message| {
                let bytes = message.payload.as_ref().try_into().context("a number")?;
                publish(&engine, "results", u64::from_le_bytes(bytes)).await?;
                message.ack().await.map_err(anyhow::Error::from_boxed)
            };
            let messages = tasks.map_err(anyhow::Error::from);
            messages.try_for_each_concurrent(AHEAD, answer).await
        })
    });
    if let Err(error) = worked {
        panic!("{error:#}");
    }
}
