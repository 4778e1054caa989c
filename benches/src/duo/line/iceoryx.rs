//! The peer iceoryx2: publish and subscribe, without copies, by polling or with events.
//!
//! Each line is a world of its own, with its own prefix and directory, so that nothing of it is
//! left when it ends: not even what a killed process has left.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory as Channel;

use super::{Line, spin};
use crate::duo::PATIENCE;

/// So much may wait to be received.
const BUFFERED: usize = 8 << 20;

/// The services, each named after the side that publishes there.
const SERVICES: [&str; 2] = ["host", "guest"];

/// How the names of all worlds begin; the number of the host's process follows.
const PREFIX: &str = "mp-bench-iceoryx2-";

/// A directory and a prefix that nobody else has, by a name.
struct World {
    name: String,
    directory: PathBuf,
}

impl World {
    fn new(name: String) -> Self {
        let directory = std::env::temp_dir().join(&name);
        Self { name, directory }
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        let directory = self.directory.to_str().context("a directory that is text")?;
        config.global.set_root_path(&Path::new(directory.as_bytes())?);
        config.global.prefix = FileName::new(self.prefix().as_bytes())?;
        Ok(config)
    }

    /// Removes what killed processes have left, and what is never removed otherwise: the
    /// directory, and a file of shared memory.
    fn destroy(&self) -> Result<()> {
        Node::<ipc::Service>::try_cleanup_dead_nodes(&self.config()?);
        let prefix = self.prefix();
        for entry in fs::read_dir("/dev/shm")? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(fs::remove_dir_all(&self.directory)?)
    }

    fn prefix(&self) -> String {
        format!("{}_", self.name)
    }
}

/// Removes the worlds of hosts that were killed.
fn destroy_orphans() -> Result<()> {
    for entry in fs::read_dir(std::env::temp_dir())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let host = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let Some(pid) = host.and_then(|pid| pid.parse::<u32>().ok()) else { continue };
        if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
            World::new(name).destroy()?;
        }
    }
    Ok(())
}

/// The last thing that its host drops.
struct Host(World);

impl Drop for Host {
    fn drop(&mut self) {
        // It fails where there is nothing to remove.
        self.0.destroy().ok();
    }
}

/// What one side has.
struct Ends {
    events: Option<(Notifier<ipc::Service>, Listener<ipc::Service>)>,
    publisher: Publisher<ipc::Service, [u8], ()>,
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    outgoing: Channel<ipc::Service, [u8], ()>,
    _node: Node<ipc::Service>,
    _host: Option<Host>,
}

impl Ends {
    fn host(len: usize, events: bool) -> Result<(Self, String)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // A directory that cannot be removed belongs to somebody else.
        destroy_orphans().ok();
        let name = format!("{PREFIX}{}-{count}", process::id());
        let host = Host(World::new(name.clone()));
        let mut ends = Self::new(&host.0, len, SERVICES, events)?;
        ends._host = Some(host);
        Ok((ends, name))
    }

    fn join(name: String, len: usize, events: bool) -> Result<Self> {
        let [host, guest] = SERVICES;
        Self::new(&World::new(name), len, [guest, host], events)
    }

    fn new(world: &World, len: usize, [mine, theirs]: [&str; 2], events: bool) -> Result<Self> {
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new()
            .config(&world.config()?)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        let (outgoing, incoming) = (channel(&node, mine, len)?, channel(&node, theirs, len)?);
        let publisher = outgoing
            .publisher_builder()
            .initial_max_slice_len(len)
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let events = events.then(|| doorbell(&node, [mine, theirs])).transpose()?;
        // The last one: when it is there, the other side may begin.
        let subscriber = incoming.subscriber_builder().create()?;
        Ok(Self { events, publisher, subscriber, outgoing, _node: node, _host: None })
    }

    /// Waits until the other side listens: what is published before is lost.
    fn open(self) -> Result<Self> {
        let subscribers = || self.outgoing.dynamic_config().number_of_subscribers();
        spin(|| Ok((subscribers() > 0).then_some(())))?;
        Ok(self)
    }

    fn send(&self, message: &[u8]) -> Result<()> {
        let sample = self.publisher.loan_slice_uninit(message.len())?;
        sample.write_from_slice(message).send()?;
        if let Some((notifier, _)) = &self.events {
            notifier.notify()?;
        }
        Ok(())
    }

    /// Looks for a message, which is read where it is.
    fn look(&self) -> Result<Option<()>> {
        let sample = self.subscriber.receive()?;
        Ok(sample.map(|sample| {
            black_box(sample.payload().last());
        }))
    }

    fn receive(&self) -> Result<()> {
        let Some((_, listener)) = &self.events else { return spin(|| self.look()) };
        while self.look()?.is_none() {
            listener.timed_wait_one(PATIENCE)?.context("hangs: no event came")?;
        }
        Ok(())
    }
}

fn channel(
    node: &Node<ipc::Service>,
    name: &str,
    len: usize,
) -> Result<Channel<ipc::Service, [u8], ()>> {
    let channel = node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .history_size(0)
        .subscriber_max_buffer_size((BUFFERED / len).clamp(2, 1024))
        .subscriber_max_borrowed_samples(1)
        .max_publishers(1)
        .max_subscribers(1)
        .max_nodes(2)
        .open_or_create()?;
    Ok(channel)
}

fn doorbell(
    node: &Node<ipc::Service>,
    [mine, theirs]: [&str; 2],
) -> Result<(Notifier<ipc::Service>, Listener<ipc::Service>)> {
    let event = |name: &str| -> Result<_> {
        Ok(node.service_builder(&name.try_into()?).event().open_or_create()?)
    };
    let notifier = event(mine)?.notifier_builder().create()?;
    Ok((notifier, event(theirs)?.listener_builder().create()?))
}

/// Both sides poll, and never sleep.
pub(crate) struct Iceoryx(Ends);

impl Line for Iceoryx {
    type Invitation = String;
    type Host = Self;

    fn host(len: usize) -> Result<(Self, String)> {
        Ends::host(len, false).map(|(ends, name)| (Self(ends), name))
    }

    fn open(host: Self) -> Result<Self> {
        host.0.open().map(Self)
    }

    fn join(name: String, len: usize) -> Result<Self> {
        Ends::join(name, len, false).map(Self)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.0.send(message)
    }

    fn receive(&mut self) -> Result<()> {
        self.0.receive()
    }
}

/// Each message is announced by an event, for which the other side sleeps.
pub(crate) struct IceoryxEvent(Ends);

impl Line for IceoryxEvent {
    type Invitation = String;
    type Host = Self;

    fn host(len: usize) -> Result<(Self, String)> {
        Ends::host(len, true).map(|(ends, name)| (Self(ends), name))
    }

    fn open(host: Self) -> Result<Self> {
        host.0.open().map(Self)
    }

    fn join(name: String, len: usize) -> Result<Self> {
        Ends::join(name, len, true).map(Self)
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        self.0.send(message)
    }

    fn receive(&mut self) -> Result<()> {
        self.0.receive()
    }
}
