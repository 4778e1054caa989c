//! Three servers of which one dies, and machines of which one is cut off.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use mp_cluster::Nats;
use mp_pool::Pool;

use crate::common::server::{SECRET, Server};
use crate::common::{Agent, Marks, mark, wait_until, watchdog};

fn slow(marks: String, n: u32) -> u32 {
    mark(&marks, "began");
    sleep(Duration::from_millis(100));
    n
}

fn inputs(marks: &Marks) -> impl Iterator<Item = (String, u32)> + use<> {
    let path = marks.path();
    (0..60).map(move |n| (path.clone(), n))
}

#[mp_cluster::test]
fn three_servers_survive_the_loss_of_one() {
    const TEST: &str = "several::three_servers_survive_the_loss_of_one";
    let _watchdog = watchdog(TEST);
    let Some(mut servers) = Server::start_three() else { return };
    let marks = Marks::new("three");
    let addresses: Vec<String> = servers.iter().map(Server::address).collect();
    let addresses = addresses.join(",");
    let connect = || {
        let nats = Nats::builder(&addresses).token(servers[0].token()).secret(SECRET);
        nats.replicas(3).connect()
    };
    // They may have to find each other first.
    let mut connected = connect();
    while connected.is_err() {
        connected = connect();
    }
    let nats = connected.unwrap();
    let env = [("MP_CLUSTER", addresses.as_str()), ("MP_CLUSTER_REPLICAS", "3")];
    let _agent = Agent::with(&servers[0], TEST, 2, &env);
    wait_until("agent", || nats.agents().len() == 1);
    let pool = Pool::with(nats);
    let results = pool.task(slow).chunk_size(1).starmap_async(inputs(&marks));
    wait_until("task that runs", || marks.count("began") > 5);
    servers[1].kill();
    assert_eq!(results.get().unwrap(), (0..60).collect::<Vec<_>>());
}

fn ip(arguments: &str) -> bool {
    let mut ip = Command::new("ip");
    ip.args(arguments.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
    ip.status().is_ok_and(|status| status.success())
}

/// Network namespaces on a bridge, each as a machine of its own.
struct Machines {
    bridge: String,
    names: Vec<String>,
}

/// The addresses of this test, which nobody else uses on this machine.
const NET: &str = "10.213.77";

impl Machines {
    /// Makes some, if that is allowed here.
    fn new(count: usize) -> Option<Self> {
        let id = std::process::id() % 100_000;
        let bridge = format!("mpb{id}");
        let mut machines = Self { bridge, names: Vec::new() };
        let bridge = machines.bridge.clone();
        let mut is_made = ip(&format!("link add {bridge} type bridge"))
            && ip(&format!("addr add {NET}.1/24 dev {bridge}"))
            && ip(&format!("link set {bridge} up"));
        for number in 0..count {
            let name = format!("mpn{id}x{number}");
            machines.names.push(name.clone());
            is_made = is_made
                && ip(&format!("netns add {name}"))
                && ip(&format!("link add {name} type veth peer name eth0 netns {name}"))
                && ip(&format!("link set {name} master {bridge}"))
                && ip(&format!("link set {name} up"))
                && ip(&format!("-n {name} addr add {NET}.{}/24 dev eth0", number + 2))
                && ip(&format!("-n {name} link set eth0 up"));
        }
        if !is_made {
            eprintln!("skipped: network namespaces cannot be made here");
            return None;
        }
        Some(machines)
    }

    /// Cuts a machine off, or brings it back.
    fn set(&self, number: usize, state: &str) {
        assert!(ip(&format!("link set {} {state}", self.names[number])));
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for name in &self.names {
            ip(&format!("link del {name}"));
            ip(&format!("netns del {name}"));
        }
        ip(&format!("link del {}", self.bridge));
    }
}

#[mp_cluster::test]
fn a_machine_that_is_cut_off_and_comes_back_costs_no_result() {
    const TEST: &str = "several::a_machine_that_is_cut_off_and_comes_back_costs_no_result";
    let _watchdog = watchdog(TEST);
    let Some(machines) = Machines::new(2) else { return };
    let Some(server) = Server::start_encrypted_at(&format!("{NET}.1")) else { return };
    let marks = Marks::new("cut");
    let certificate = server.certificate();
    let ca = [("MP_CLUSTER_CA", certificate.to_str().unwrap())];
    let _agents: Vec<Agent> =
        machines.names.iter().map(|name| Agent::within(name, &server, TEST, 2, &ca)).collect();
    let nats = Nats::builder(&server.address()).token(server.token()).secret(SECRET);
    let nats = nats.ca(&certificate).connect().unwrap();
    wait_until("agents", || nats.agents().len() == 2);
    let pool = Pool::with(nats.clone());
    let results = pool.task(slow).chunk_size(1).starmap_async(inputs(&marks));
    wait_until("task that runs", || marks.count("began") > 5);
    machines.set(0, "down");
    assert_eq!(results.get().unwrap(), (0..60).collect::<Vec<_>>());
    machines.set(0, "up");
    wait_until("return", || nats.agents().len() == 2);
    let again = pool.task(slow).chunk_size(1).starmap(inputs(&marks));
    assert_eq!(again.unwrap(), (0..60).collect::<Vec<_>>());
}
