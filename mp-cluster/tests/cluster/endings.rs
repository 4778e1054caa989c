//! How agents, calls and clients end in order.

use std::thread::sleep;
use std::time::Duration;

use mp_pool::{Pool, Shutdown, TaskErrorKind};
use rustix::process::Signal;

use crate::common::server::Server;
use crate::common::{Agent, Marks, mark, nats, pool, wait_until, watchdog};

fn wait_for(marks: String, n: u32) -> u32 {
    mark(&marks, "began");
    while !std::path::Path::new(&format!("{marks}/go")).exists() {
        sleep(Duration::from_millis(5));
    }
    mark(&marks, "ended");
    n
}

fn go(marks: &Marks) {
    std::fs::write(marks.0.join("go"), "").unwrap();
}

#[mp_cluster::test]
fn an_agent_that_is_told_to_end_does_what_it_has_begun_and_gives_back_the_rest() {
    const TEST: &str =
        "endings::an_agent_that_is_told_to_end_does_what_it_has_begun_and_gives_back_the_rest";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("drained");
    let mut leaving = Agent::with(&server, TEST, 1, &[("MP_CLUSTER_LEASE", "3600")]);
    let (pool, nats) = pool(&server, 1);
    let inputs = (0..4).map(|n| (marks.path(), n));
    let results = pool.task(wait_for).chunk_size(1).starmap_async(inputs);
    wait_until("task that runs", || marks.count("began") == 1);
    leaving.signal(Signal::TERM);
    wait_until("draining", || nats.agents().is_empty());
    let _other = Agent::with(&server, TEST, 1, &[("MP_CLUSTER_LEASE", "3600")]);
    wait_until("task that runs elsewhere", || marks.count("began") == 2);
    go(&marks);
    assert!(leaving.0.wait().unwrap().success());
    assert_eq!(results.get().unwrap(), [0, 1, 2, 3]);
    assert_eq!((marks.count("began"), marks.count("ended")), (4, 4), "each ran once");
}

#[mp_cluster::test]
fn what_is_cancelled_before_it_begins_never_does() {
    const TEST: &str = "endings::what_is_cancelled_before_it_begins_never_does";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("cancelled");
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let first = pool.submit(wait_for, (marks.path(), 0));
    wait_until("task that runs", || first.running());
    let queued: Vec<_> = (1..20).map(|n| pool.submit(wait_for, (marks.path(), n))).collect();
    assert!(!first.cancel(), "it has begun");
    assert!(queued.iter().all(|future| future.cancel()));
    let last = pool.submit(wait_for, (marks.path(), 20));
    go(&marks);
    assert_eq!((first.result(), last.result()), (Ok(0), Ok(20)));
    for future in queued {
        assert_eq!(future.result().unwrap_err().kind, TaskErrorKind::Cancelled);
    }
    assert_eq!(marks.count("began"), 2);
}

#[mp_cluster::test]
fn what_runs_can_be_killed() {
    const TEST: &str = "endings::what_runs_can_be_killed";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("killed-task");
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let endless = pool.submit(wait_for, (marks.path(), 0));
    wait_until("task that runs", || endless.running());
    assert!(endless.cancel_running());
    assert_eq!(endless.result().unwrap_err().kind, TaskErrorKind::Cancelled);
    assert_eq!(pool.apply(|| 7, ()), Ok(7), "its worker was replaced");
    assert_eq!(marks.count("ended"), 0);
}

#[mp_cluster::test]
fn a_pool_that_ends_stops_what_it_has_begun() {
    const TEST: &str = "endings::a_pool_that_ends_stops_what_it_has_begun";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("terminated");
    let _agent = Agent::start(&server, TEST, 2);
    let (first, nats_of_first) = pool(&server, 1);
    let inputs = (0..50).map(|n| (marks.path(), n));
    let results = first.task(wait_for).chunk_size(1).starmap_async(inputs);
    wait_until("tasks that run", || marks.count("began") == 2);
    first.terminate();
    first.join().unwrap();
    assert_eq!(results.get().unwrap_err().kind, TaskErrorKind::Cancelled);
    drop((first, nats_of_first));
    let second = Pool::with(nats(&server));
    assert_eq!(second.map(|n: u32| n, 0..10).unwrap(), (0..10).collect::<Vec<_>>());
    assert_eq!((marks.count("began"), marks.count("ended")), (2, 0));
    assert!(second.shutdown(Shutdown::new()));
}

#[mp_cluster::test]
fn urgent_tasks_do_not_stand_in_line() {
    const TEST: &str = "endings::urgent_tasks_do_not_stand_in_line";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let nap = |n: u32| sleep(Duration::from_millis(u64::from(n)));
    let line = pool.task(nap).chunk_size(1).map_async([100; 200]);
    pool.task(nap).priority(1).apply((1,)).unwrap();
    assert!(!line.ready(), "it was before all of them");
    drop(line);
}
