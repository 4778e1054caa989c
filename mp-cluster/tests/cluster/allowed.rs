//! Workers that run certain functions, and no others.

use std::collections::BTreeMap;
use std::num::ParseIntError;

use mp_pool::TaskErrorKind;

use crate::common::server::Server;
use crate::common::{Agent, pool, watchdog};

type Table = BTreeMap<usize, u64>;

fn square(n: u64) -> u64 {
    n * n
}

fn parse(text: String) -> Result<u64, ParseIntError> {
    text.parse()
}

fn look_up(table: &Table, n: usize) -> u64 {
    table[&n]
}

fn find(table: &Table, n: usize) -> Result<u64, String> {
    table.get(&n).copied().ok_or_else(|| format!("no {n}"))
}

fn erase() {
    std::process::abort();
}

/// What the workers of these tests run; `find` is allowed as a task of plain results.
fn some() {
    mp_cluster::allow(square);
    mp_cluster::allow_fallible(parse);
    mp_cluster::allow_with::<Table, _, _>(look_up);
    mp_cluster::allow_with::<Table, _, _>(find);
}

#[mp_cluster::test(setup = some)]
fn functions_that_are_allowed_run_as_usual() {
    const TEST: &str = "allowed::functions_that_are_allowed_run_as_usual";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 2);
    let (pool, _nats) = pool(&server, 1);
    assert_eq!(pool.apply(square, (7,)), Ok(49));
    assert_eq!(pool.map(square, 0..100).unwrap()[99], 99 * 99);
    let parsed = pool.task(parse).fallible().try_map(["7", "x"].map(String::from));
    assert_eq!(parsed[0], Ok(7));
    assert!(matches!(parsed[1].as_ref().unwrap_err().kind, TaskErrorKind::Failed(_)));
    let table = Table::from([(0, 10), (1, 20), (2, 30)]);
    assert_eq!(pool.task(look_up).with(&table).map([2, 0]).unwrap(), [30, 10]);
    assert_eq!(pool.task(find).with(&table).map([1]).unwrap(), [Ok(20)]);
}

#[mp_cluster::test(setup = some)]
fn any_other_function_is_refused_and_named_and_harms_nobody() {
    const TEST: &str = "allowed::any_other_function_is_refused_and_named_and_harms_nobody";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, nats) = pool(&server, 1);
    let error = pool.apply(erase, ()).unwrap_err();
    let TaskErrorKind::NotAllowed { function, .. } = &error.kind else { panic!("{error}") };
    assert!(function.ends_with("allowed::erase"), "{function}");
    assert_eq!(error.host(), Some(nats.agents()[0].host.as_str()));
    // The same function in another way is another task.
    let table = Table::from([(1, 2)]);
    let refused = pool.task(find).with(&table).fallible().apply((1,)).unwrap_err();
    assert!(matches!(refused.kind, TaskErrorKind::NotAllowed { .. }), "{refused}");
    let refused = pool.map(|n: u64| n * n, 0..10).unwrap_err();
    assert!(refused.to_string().contains("{{closure}}"), "{refused}");
    assert_eq!(pool.apply(square, (3,)), Ok(9));
}
