//! The connection for shared objects: one for each process, with a thread.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{Config as StreamConfig, DiscardPolicy};
use tokio::runtime::{Builder, Handle};

use crate::config::Config;
use crate::error::ClusterError;
use crate::link::Link;

/// How long a server that is not there yet is waited for.
const WAIT: Duration = Duration::from_secs(10);

/// The connection of this process.
#[derive(Debug)]
pub(super) struct Bus {
    pub(super) link: Link,
    runtime: Handle,
}

static BUS: Mutex<Option<Arc<Bus>>> = Mutex::new(None);

impl Bus {
    /// The connection to the cluster that the environment names, which is made the first time.
    pub(super) fn get() -> Result<Arc<Self>, ClusterError> {
        let mut bus = BUS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bus) = &*bus {
            return Ok(Arc::clone(bus));
        }
        let made = Arc::new(Self::connect(Config::from_env()?)?);
        *bus = Some(Arc::clone(&made));
        Ok(made)
    }

    fn connect(config: Config) -> Result<Self, ClusterError> {
        let (ready, connected) = mpsc::channel();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(ClusterError::system("start a runtime"))?;
        let handle = runtime.handle().clone();
        let body = move || {
            runtime.block_on(async {
                let link = Link::connect(Arc::new(config), WAIT).await;
                let is_there = link.is_ok();
                if ready.send(link).is_ok() && is_there {
                    // It serves for as long as the process lives.
                    std::future::pending::<()>().await;
                }
            });
        };
        let thread = thread::Builder::new().name("cluster objects".into()).spawn(body);
        thread.map_err(ClusterError::system("start a thread"))?;
        let link = connected.recv().map_err(|_| gone())??;
        Ok(Self { link, runtime: handle })
    }

    /// Has the thread do something, and waits for it.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ClusterError>> + Send + 'static,
    ) -> Result<T, ClusterError> {
        let (sender, done) = mpsc::channel();
        self.spawn(async move {
            let _ = sender.send(work.await);
        });
        done.recv().map_err(|_| gone())?
    }

    /// Has the thread do something.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// The keys and values of this name, whose entries are gone after `ttl`, if that is not zero.
    ///
    /// The call that makes such a store needs a newer server than some have; what it makes is a
    /// stream.
    pub(super) async fn store(&self, name: &str, ttl: Duration) -> Result<Store, ClusterError> {
        let fails = "keep keys and values";
        if let Ok(store) = self.link.engine.get_key_value(name).await {
            return Ok(store);
        }
        let config = StreamConfig {
            name: format!("KV_{name}"),
            subjects: vec![format!("$KV.{name}.>")],
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            // Only the leader knows for certain what the last revision is.
            allow_direct: false,
            max_age: ttl,
            num_replicas: self.link.config.replicas,
            ..StreamConfig::default()
        };
        let made = self.link.engine.get_or_create_stream(config).await;
        made.map_err(ClusterError::engine(fails))?;
        self.link.engine.get_key_value(name).await.map_err(ClusterError::engine(fails))
    }
}

fn gone() -> ClusterError {
    let reason = "the thread that speaks to it has ended".into();
    ClusterError::Engine { what: "be spoken to", reason }
}
