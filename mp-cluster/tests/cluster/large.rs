//! Many tasks, and large values.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use crate::common::server::Server;
use crate::common::{Agent, pool, watchdog};

#[mp_cluster::test]
fn a_hundred_thousand_tasks_have_their_results() {
    const TEST: &str = "large::a_hundred_thousand_tasks_have_their_results";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agents = [Agent::start(&server, TEST, 1), Agent::start(&server, TEST, 1)];
    let (pool, _nats) = pool(&server, 2);
    let results = pool.map(|n: u64| n + 1, 0..100_000).unwrap();
    assert!(results.into_iter().eq(1..=100_000));
    let results = pool.task(|n: u64| n + 1).chunk_size(10).map(0..100_000).unwrap();
    assert!(results.into_iter().eq(1..=100_000));
}

#[mp_cluster::test]
fn values_of_fifty_megabytes_go_both_ways() {
    const TEST: &str = "large::values_of_fifty_megabytes_go_both_ways";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let bytes: Vec<u8> = (0..50_000_000_u32).map(|n| (n % 251) as u8).collect();
    let reverse = |mut bytes: Vec<u8>| {
        bytes.reverse();
        bytes
    };
    let mut reversed = pool.apply(reverse, (bytes.clone(),)).unwrap();
    reversed.reverse();
    assert!(reversed == bytes);
}

/// Counts how often it is decoded in a process.
#[derive(Serialize)]
struct Counted(Vec<u8>);

static DECODED: AtomicU32 = AtomicU32::new(0);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DECODED.fetch_add(1, Ordering::Relaxed);
        Vec::deserialize(deserializer).map(Self)
    }
}

#[mp_cluster::test]
fn a_shared_value_is_decoded_once_in_each_worker() {
    const TEST: &str = "large::a_shared_value_is_decoded_once_in_each_worker";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let value = Counted(vec![7; 5_000_000]);
    let look = |value: &Counted, n: usize| (value.0[n], DECODED.load(Ordering::Relaxed));
    for _ in 0..2 {
        let results = pool.task(look).with(&value).chunk_size(1).map(0..50).unwrap();
        assert!(results.iter().all(|&(byte, _)| byte == 7));
        // The second call has a value of its own, with the same content.
        assert!(results.iter().all(|&(_, decoded)| decoded == 1), "{:?}", results[0]);
    }
}
