//! Two builds of a program on the same servers, at the same time.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use mp_cluster::Nats;
use mp_pool::{Pool, TaskErrorKind};
use mp_process::BuildId;

use crate::common::server::{SECRET, Server};
use crate::common::{Agent, Marks, pool, start, wait_until, watchdog};

/// A copy of this program that is another build: with one bit of its identity changed.
fn other_build(marks: &Marks) -> PathBuf {
    let mut image = fs::read("/proc/self/exe").unwrap();
    let own = BuildId::current().unwrap().bytes();
    let at = image.windows(own.len()).position(|bytes| bytes == own).expect("the note is there");
    image[at] ^= 1;
    let path = marks.0.join("other");
    fs::write(&path, image).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

/// Which program runs this.
fn program() -> String {
    fs::read_link("/proc/self/exe").unwrap().display().to_string()
}

#[mp_cluster::test]
fn each_build_has_its_own_workers() {
    const TEST: &str = "builds::each_build_has_its_own_workers";
    let _watchdog = watchdog(TEST);
    if let Ok(address) = env::var("OTHER_CLIENT") {
        // This is the client of the other build.
        let nats = Nats::builder(&address).token("sesame").secret(SECRET).connect().unwrap();
        wait_until("agent", || nats.agents().len() == 1);
        let results = Pool::with(nats).map(|_: u32| program(), 0..20).unwrap();
        assert!(results.iter().all(|program| program.ends_with("/other")), "{results:?}");
        return;
    }
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("builds");
    let other = other_build(&marks);
    let _own = Agent::start(&server, TEST, 1);
    let _foreign = Agent::of(other.as_os_str(), &server, TEST, 1, &[]);
    let (pool, _nats) = pool(&server, 1);
    let mut client = Command::new(&other);
    client.args([TEST, "--exact", "--nocapture"]).env("OTHER_CLIENT", server.address());
    let mut client = start(&mut client);
    let results = pool.map(|_: u32| program(), 0..20).unwrap();
    assert!(results.iter().all(|name| *name == program()), "{results:?}");
    assert!(client.wait().unwrap().success());
}

#[mp_cluster::test]
fn a_client_without_a_worker_of_its_build_says_so_and_names_the_others() {
    const TEST: &str =
        "builds::a_client_without_a_worker_of_its_build_says_so_and_names_the_others";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("lonely");
    let other = other_build(&marks);
    let _foreign = Agent::of(other.as_os_str(), &server, TEST, 1, &[]);
    let nats = Nats::builder(&server.address()).token(server.token()).secret(SECRET);
    let pool = Pool::with(nats.patience(Duration::from_secs(10)).connect().unwrap());
    let fails = || pool.apply(|| 7, ()).unwrap_err();
    let mut error = fails();
    // Until the other build has come to say that it is there.
    while !error.to_string().contains("other builds") {
        error = fails();
    }
    assert!(matches!(error.kind, TaskErrorKind::Unavailable { .. }), "{error}");
    let mut id = BuildId::current().unwrap().bytes().to_vec();
    id[0] ^= 1;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(error.to_string().contains("no worker of this build"), "{error}");
    assert!(error.to_string().contains(&format!("other builds ({})", &id[..12])), "{error}");
}

#[mp_cluster::test]
fn who_does_not_know_the_secret_gets_no_function_called() {
    const TEST: &str = "builds::who_does_not_know_the_secret_gets_no_function_called";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    // It knows the token, but seals with another secret: so neither believes the other.
    let _agent = Agent::with(&server, TEST, 1, &[("MP_CLUSTER_SECRET", "another")]);
    let nats = Nats::builder(&server.address()).token(server.token()).secret(SECRET);
    let pool = Pool::with(nats.patience(Duration::from_secs(10)).connect().unwrap());
    let error = pool.apply(|| 7, ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::Unavailable { .. }), "{error}");
}
