//! A queue, a dict and a lock that machines share, used by tasks.

use std::env;
use std::time::Duration;

use mp_cluster::{Dict, Lock, Queue};

use crate::common::server::{SECRET, Server};
use crate::common::{Agent, nats, pool, wait_until, watchdog};

/// Has this process, which has one test at a time for it, find the cluster in its environment.
fn as_in_environment(server: &Server, test: &str) -> bool {
    if env::var_os("MP_CLUSTER").is_some() {
        return true;
    }
    // The environment of a process with threads is not to be changed: so another one does the test.
    let mut own = std::process::Command::new(env::current_exe().unwrap());
    own.args([test, "--exact", "--nocapture"]);
    own.env("MP_CLUSTER", server.address()).env("MP_CLUSTER_TOKEN", server.token());
    own.env("MP_CLUSTER_SECRET", SECRET);
    assert!(own.status().unwrap().success());
    false
}

fn server_of(test: &str) -> Option<Server> {
    if env::var_os("MP_CLUSTER").is_some() {
        return Some(Server::of_environment());
    }
    let server = Server::start()?;
    as_in_environment(&server, test).then_some(server)
}

#[mp_cluster::test]
fn tasks_put_what_others_get() {
    const TEST: &str = "objects::tasks_put_what_others_get";
    let _watchdog = watchdog(TEST);
    let Some(server) = server_of(TEST) else { return };
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, _nats) = pool(&server, 1);
    let queue: Queue<u64> = Queue::open("numbers").unwrap();
    let put = |queue: Queue<u64>, n: u64| queue.put(&(n * n)).unwrap();
    pool.starmap(put, (0..20).map(|n| (queue.clone(), n))).unwrap();
    assert_eq!(queue.len().unwrap(), 20);
    let mut all: Vec<u64> = (0..20).map(|_| queue.get().unwrap()).collect();
    all.sort();
    assert_eq!(all, (0..20).map(|n| n * n).collect::<Vec<_>>());
    assert_eq!(queue.try_get().unwrap(), None);
    assert_eq!(queue.get_timeout(Duration::from_millis(50)).unwrap(), None);
    assert!(queue.is_empty().unwrap());
    queue.delete().unwrap();
    assert!(Queue::<u8>::open("a name.with dots").is_err());
}

#[mp_cluster::test]
fn no_update_of_a_dict_is_lost() {
    const TEST: &str = "objects::no_update_of_a_dict_is_lost";
    let _watchdog = watchdog(TEST);
    let Some(server) = server_of(TEST) else { return };
    let _agents = [Agent::start(&server, TEST, 2), Agent::start(&server, TEST, 2)];
    let (pool, _nats) = pool(&server, 2);
    let counts: Dict<String, u32> = Dict::open("counts").unwrap();
    let count = |counts: Dict<String, u32>, n: u32| {
        let key = if n.is_multiple_of(2) { "even" } else { "odd" };
        counts.update_with(&key.into(), |count| Some(count.unwrap_or(0) + 1)).unwrap();
    };
    pool.task(count).chunk_size(1).starmap((0..60).map(|n| (counts.clone(), n))).unwrap();
    assert_eq!(counts.get(&"even".into()).unwrap(), Some(30));
    assert_eq!(counts.remove(&"odd".into()).unwrap(), Some(30));
    assert_eq!(
        (counts.get(&"odd".into()).unwrap(), counts.keys().unwrap()),
        (None, vec!["even".into()])
    );
    counts.set(&"odd".into(), &7).unwrap();
    assert!(counts.contains_key(&"odd".into()).unwrap() && counts.len().unwrap() == 2);
    assert_eq!(counts.update_with(&"none".into(), |none| none).unwrap(), None);
    counts.delete().unwrap();
}

#[mp_cluster::test]
fn a_lock_has_one_holder_and_outlives_those_who_die() {
    const TEST: &str = "objects::a_lock_has_one_holder_and_outlives_those_who_die";
    let _watchdog = watchdog(TEST);
    let Some(server) = server_of(TEST) else { return };
    let _agent = Agent::start(&server, TEST, 4);
    let (pool, _nats) = pool(&server, 1);
    let lock = Lock::open("turn").unwrap();
    let counts: Dict<String, u32> = Dict::open("turns").unwrap();
    /// Two steps, between which nobody else may come.
    fn turn(lock: Lock, counts: Dict<String, u32>) -> u64 {
        let guard = lock.lock().unwrap();
        let count = counts.get(&"turns".into()).unwrap().unwrap_or(0);
        counts.set(&"turns".into(), &(count + 1)).unwrap();
        assert!(guard.is_held());
        guard.token()
    }
    let turns = (0..20).map(|_| (lock.clone(), counts.clone()));
    let mut tokens = pool.task(turn).chunk_size(1).starmap(turns).unwrap();
    assert_eq!(counts.get(&"turns".into()).unwrap(), Some(20));
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 20, "each holder has a number of its own");

    /// Dies while it holds the lock.
    fn die(lock: Lock) {
        std::mem::forget(lock.lock().unwrap());
        std::process::abort();
    }
    pool.apply(die, (lock.clone(),)).unwrap_err();
    assert!(lock.try_lock().unwrap().is_none(), "the lease lasts");
    let guard = lock.lock().unwrap();
    assert!(guard.token() > tokens[19]);
    drop(nats(&server));
    wait_until("lock of another", || lock.try_lock().unwrap().is_none());
}
