//! Each example is run as a user would run it, and must print what it promises.

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::process::Command;

use common::watchdog::watchdog;

/// What an example that succeeds prints, by lines.
fn lines_of(example: &str) -> Vec<String> {
    let test = env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let output = Command::new(profile.join("examples").join(example)).output();
    let output = output.expect("the example is there after `cargo build --examples`");
    let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
    let stdout = stdout.expect("text");
    assert!(output.status.success(), "{example}: {}\n{stdout}\n{stderr:?}", output.status);
    stdout.lines().map(str::to_owned).collect()
}

#[test]
fn to_join_before_draining_is_no_mistake() {
    let _watchdog = watchdog();
    assert_eq!(lines_of("join_before_drain"), ["0", "1", "2", "3", "4"]);
}

#[test]
fn what_is_produced_is_consumed_in_order_until_the_sentinel() {
    let _watchdog = watchdog();
    let lines = lines_of("producer_consumer");
    assert_eq!(lines.len(), 8, "{lines:?}");
    for step in ["Producing", "Consuming"] {
        let of_step: Vec<_> = lines.iter().filter(|line| line.starts_with(step)).collect();
        assert_eq!(
            of_step,
            [0, 1, 2, 3].map(|n| format!("{step}: data_{n}")).iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_result_comes_by_a_queue() {
    let _watchdog = watchdog();
    assert_eq!(lines_of("result_by_queue"), ["done", "Result from Process"]);
}

#[test]
fn all_five_are_there() {
    let _watchdog = watchdog();
    let lines = lines_of("the_five");
    let of_workers = ["Pipe: counted", "Process: ended"];
    assert_eq!(lines[..4], [of_workers, of_workers].concat());
    assert_eq!(lines[4..], ["Queue and Lock: 200", "Pool: [2, 4, 6]"]);
}

#[test]
fn an_actor_that_crashes_costs_its_letter_alone() {
    let _watchdog = watchdog();
    let squares = "[100, 121, 144, 196, 225, 256, 289, 324, 361]";
    assert_eq!(lines_of("supervised_actors"), [squares, "1 actor has been replaced"]);
}
