//! Servers that die, forget, or do not know the client.

use std::time::{Duration, Instant};

use mp_cluster::{ClusterError, Nats};
use mp_pool::{Pool, TaskErrorKind};

use crate::common::server::{SECRET, Server};
use crate::common::{Agent, Marks, mark, pool, wait_until, watchdog};

fn slow(marks: String, n: u32) -> u32 {
    mark(&marks, "began");
    std::thread::sleep(Duration::from_millis(50));
    n
}

/// A call of many tasks, of which some have begun.
fn begun(pool: &Pool, marks: &Marks) -> mp_pool::AsyncResult<Vec<u32>> {
    let inputs = (0..60).map(|n| (marks.path(), n));
    let results = pool.task(slow).chunk_size(1).starmap_async(inputs);
    wait_until("task that runs", || marks.count("began") > 5);
    results
}

#[mp_cluster::test]
fn a_server_that_is_killed_and_comes_back_loses_nothing() {
    const TEST: &str = "servers::a_server_that_is_killed_and_comes_back_loses_nothing";
    let _watchdog = watchdog(TEST);
    let Some(mut server) = Server::start() else { return };
    let marks = Marks::new("restarted");
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, _nats) = pool(&server, 1);
    let results = begun(&pool, &marks);
    server.kill();
    server.run();
    assert_eq!(results.get().unwrap(), (0..60).collect::<Vec<_>>());
}

#[mp_cluster::test]
fn what_a_server_has_forgotten_goes_out_again() {
    const TEST: &str = "servers::what_a_server_has_forgotten_goes_out_again";
    let _watchdog = watchdog(TEST);
    let Some(mut server) = Server::start() else { return };
    let marks = Marks::new("forgotten");
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, _nats) = pool(&server, 1);
    let results = begun(&pool, &marks);
    server.kill();
    server.wipe();
    server.run();
    assert_eq!(results.get().unwrap(), (0..60).collect::<Vec<_>>());
}

#[mp_cluster::test]
fn streams_that_are_deleted_are_made_again() {
    const TEST: &str = "servers::streams_that_are_deleted_are_made_again";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("deleted");
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, _nats) = pool(&server, 1);
    let results = begun(&pool, &marks);
    delete_streams(&server);
    assert_eq!(results.get().unwrap(), (0..60).collect::<Vec<_>>());
}

fn delete_streams(server: &Server) {
    use futures_util::TryStreamExt;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = async_nats::ConnectOptions::new().token(server.token().into());
        let client = options.connect(server.address()).await.unwrap();
        let engine = async_nats::jetstream::new(client);
        let names: Vec<String> = engine.stream_names().try_collect().await.unwrap();
        assert!(names.len() >= 2);
        for name in names {
            engine.delete_stream(name).await.unwrap();
        }
    });
}

#[mp_cluster::test]
fn a_wrong_token_fails_at_once() {
    const TEST: &str = "servers::a_wrong_token_fails_at_once";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let client = Nats::builder(&server.address()).token("open").secret(SECRET).connect();
    assert!(matches!(client, Err(ClusterError::Refused { .. })), "{client:?}");
    let mut agent = Agent::with(&server, TEST, 1, &[("MP_CLUSTER_TOKEN", "open")]);
    assert_eq!(agent.0.wait().unwrap().code(), Some(2));
}

#[mp_cluster::test]
fn calls_end_when_there_is_no_server_any_more() {
    const TEST: &str = "servers::calls_end_when_there_is_no_server_any_more";
    let _watchdog = watchdog(TEST);
    let Some(mut server) = Server::start() else { return };
    let nats = Nats::builder(&server.address()).token(server.token()).secret(SECRET);
    let nats = nats.patience(Duration::from_secs(10)).connect().unwrap();
    let pool = Pool::with(nats);
    server.kill();
    let error = pool.apply(|| 7, ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("no server has answered"), "{error}");
}

#[mp_cluster::test]
fn a_server_that_is_not_there_is_waited_for_and_named() {
    let _watchdog = watchdog("servers::a_server_that_is_not_there_is_waited_for_and_named");
    let patience = Duration::from_secs(1);
    let began = Instant::now();
    let nowhere = Nats::builder("nats://127.0.0.1:1").token("x").secret(SECRET).patience(patience);
    let error = nowhere.connect().unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(began.elapsed() >= patience);
}

#[mp_cluster::test]
fn connections_are_encrypted_and_strangers_not_believed() {
    const TEST: &str = "servers::connections_are_encrypted_and_strangers_not_believed";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start_encrypted() else { return };
    let certificate = server.certificate();
    let ca = [("MP_CLUSTER_CA", certificate.to_str().unwrap())];
    let _agent = Agent::with(&server, TEST, 1, &ca);
    let nats = || Nats::builder(&server.address()).token(server.token()).secret(SECRET);
    let pool = Pool::with(nats().ca(&certificate).connect().unwrap());
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
    // Nobody vouches for this server but its own certificate.
    let error = nats().patience(Duration::from_secs(1)).connect().unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{error}");
}
