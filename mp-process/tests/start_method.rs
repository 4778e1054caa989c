//! The start method of a program: who sets it, who inherits it; and a server that no test harness
//! has given a second thread.
//!
//! A program with a `main` of its own, which starts itself in several roles.

mod common {
    pub(crate) mod harness;
    pub(crate) mod role;
    pub(crate) mod watchdog;
}

use std::env;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use common::harness;
use common::role::{self, role};
use mp_process::{Context, Process, StartMethod, init, set_start_method, spawn, start_method};
use rustix::process::{Pid, Signal};

const VARIABLE: &str = "MULTIPROCESS_START_METHOD";

fn main() {
    match role().as_deref() {
        None => harness::run(&[
            ("the_environment_names_the_start_method", the_environment_names_it),
            ("the_start_method_is_set_once", || says("sets", "forkserver forkserver spawn")),
            ("a_start_settles_the_start_method", || says("starts first", "spawn")),
            ("children_start_processes_as_their_parent_does", children_do_as_their_parent),
            ("ctrl_c_is_for_the_program_not_for_its_server", || says("is interrupted", "same")),
        ]),
        Some(role) => {
            init();
            play(role);
        }
    }
}

fn play(role: &str) {
    match role {
        "asks" => println!("{}", start_method()),
        "sets" => {
            set_start_method(StartMethod::ForkServer).unwrap();
            let refused = set_start_method(StartMethod::Spawn).unwrap_err();
            let spawned = Process::builder().start_method(StartMethod::Spawn);
            let spawned = spawned.spawn(|| SERVER.load(Ordering::Relaxed), ()).unwrap();
            let own = if spawned.join().unwrap() == 0 { "spawn" } else { "fork" };
            println!("{} {} {own}", start_method(), refused.current());
        }
        "starts first" => {
            spawn(|| (), ()).unwrap().join().unwrap();
            println!("{}", set_start_method(StartMethod::ForkServer).unwrap_err().current());
        }
        "has grandchildren" => {
            set_start_method(Context::fork_server().preload(load)).unwrap();
            let child = || (start_method(), server(), spawn(server, ()).unwrap().join().unwrap());
            let (method, own, nested) = spawn(child, ()).unwrap().join().unwrap();
            println!("{method} {own} {nested}");
        }
        "is interrupted" => is_interrupted(),
        other => panic!("{other}"),
    }
}

/// The process that has preloaded.
static SERVER: AtomicU32 = AtomicU32::new(0);

fn load() {
    SERVER.store(process::id(), Ordering::Relaxed);
}

fn server() -> u32 {
    SERVER.load(Ordering::Relaxed)
}

fn is_interrupted() {
    let context = Context::fork_server().preload(load);
    let ask = || context.spawn(server, ()).unwrap().join().unwrap();
    let first = ask();
    for terminal in [Signal::INT, Signal::QUIT, Signal::TSTP, Signal::TERM] {
        let pid = Pid::from_raw(first.try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, terminal).unwrap();
    }
    println!("{}", if ask() == first { "same" } else { "another" });
}

/// What this program says in a role.
fn said(role: &str, variable: Option<&str>) -> String {
    let mut program = role::program(env::current_exe().unwrap(), role);
    program.env_remove(VARIABLE);
    variable.map(|name| program.env(VARIABLE, name));
    let output = program.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn says(role: &str, expected: &str) {
    assert_eq!(said(role, None), expected);
}

fn the_environment_names_it() {
    for (variable, expected) in [
        (None, "spawn"),
        (Some("forkserver"), "forkserver"),
        (Some("spawn"), "spawn"),
        (Some("no such"), "spawn"),
    ] {
        assert_eq!(said("asks", variable), expected, "{variable:?}");
    }
}

fn children_do_as_their_parent() {
    let said = said("has grandchildren", None);
    let [method, own, nested] = said.split(' ').collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert_eq!(method, "forkserver");
    assert!(own != "0" && nested != "0", "both are forked from what has preloaded: {said}");
    assert_ne!(own, nested, "each parent has a server of its own");
}
