//! A client that is killed, and what is left of it.

use std::env;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use async_nats::jetstream;
use futures_util::TryStreamExt;
use mp_cluster::Nats;
use mp_pool::Pool;

use crate::common::server::{SECRET, Server};
use crate::common::{Agent, Marks, mark, pool, wait_until, watchdog};

/// Says in its environment where the server is to the client that will be killed.
const VICTIM: &str = "VICTIM_OF";

/// The client that is killed: its tasks take for ever, and what they share is in the store.
fn be_killed(address: &str) {
    let nats = Nats::builder(address).token("sesame").secret(SECRET).connect().unwrap();
    wait_until("agent", || nats.agents().len() == 1);
    let marks = env::var("MARKS").unwrap();
    let pool = Pool::with(nats);
    let large = vec![7; 3_000_000];
    let endless = |_: &Vec<u8>, marks: String| {
        mark(&marks, "began");
        sleep(Duration::from_secs(3600));
    };
    pool.task(endless).with(&large).chunk_size(1).map(vec![marks; 10]).unwrap();
}

/// What is stored for clients: messages of tasks and results, consumers of results, and values.
async fn leftovers(server: &Server) -> Result<(u64, usize, usize), async_nats::Error> {
    let options = async_nats::ConnectOptions::new().token(server.token().into());
    let engine = jetstream::new(options.connect(server.address()).await?);
    let (mut messages, mut consumers, mut values) = (0, 0, 0);
    let names: Vec<String> = engine.stream_names().try_collect().await?;
    for name in names {
        let info = engine.get_stream(&name).await?.get_info().await?;
        if let Some(bucket) = name.strip_prefix("OBJ_") {
            let store = engine.get_object_store(bucket).await?;
            values += store.list().await?.try_collect::<Vec<_>>().await?.len();
        } else {
            messages += info.state.messages;
            consumers += if name.contains("RESULTS") { info.state.consumer_count } else { 0 };
        }
    }
    Ok((messages, consumers, values))
}

#[mp_cluster::test]
fn of_a_killed_client_nothing_is_worked_on_or_kept_for_ever() {
    const TEST: &str = "clients::of_a_killed_client_nothing_is_worked_on_or_kept_for_ever";
    let _watchdog = watchdog(TEST);
    if let Ok(address) = env::var(VICTIM) {
        return be_killed(&address);
    }
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("victim");
    let _agent = Agent::start(&server, TEST, 2);
    let mut victim = Command::new(env::current_exe().unwrap());
    victim.args([TEST, "--exact", "--nocapture"]);
    let mut victim =
        victim.env(VICTIM, server.address()).env("MARKS", marks.path()).spawn().unwrap();
    wait_until("tasks that run", || marks.count("began") == 2);
    let left = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(leftovers(&server)).unwrap()
    };
    // The first tasks may run while the others are still on their way.
    wait_until("what it leaves", || {
        let (messages, consumers, values) = left();
        messages >= 10 && consumers == 1 && values == 1
    });
    victim.kill().unwrap();
    victim.wait().unwrap();

    // All workers are at tasks of the dead: so this waits until they are stopped.
    let (pool, nats) = pool(&server, 1);
    assert_eq!(pool.map(|n: u32| n + 1, 0..100).unwrap(), (1..=100).collect::<Vec<_>>());
    assert_eq!(marks.count("began"), 2, "nothing of it began when it was gone");
    drop((pool, nats));
    wait_until("end of what was left", || left() == (0, 0, 0));
}
