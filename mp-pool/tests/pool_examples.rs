//! Each example is run as a user would run it, and must print what it promises.

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, id};
use std::{env, fs};

use common::Watchdog;

/// What an example that succeeds prints, by lines.
fn lines_of(example: &str, arguments: &[&str]) -> Vec<String> {
    let test = env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let mut command = Command::new(profile.join("examples").join(example));
    let output = command.args(arguments).output();
    let output = output.expect("the example is there after `cargo build --examples`");
    let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
    let stdout = stdout.expect("text");
    assert!(output.status.success(), "{example}: {}\n{stdout}\n{stderr:?}", output.status);
    stdout.lines().map(str::to_owned).collect()
}

/// What depends on the clock may be otherwise while others have the processors, but not each time.
fn in_some_try(is_so: impl Fn() -> bool) -> bool {
    (0..5).any(|_| is_so())
}

#[test]
fn results_are_in_the_order_of_the_items() {
    let _watchdog = Watchdog::new("results_are_in_the_order_of_the_items");
    let lines = lines_of("pool_map", &[]);
    let sums = "[333332833333500000, 2666664666667000000, 8999995500000500000]";
    assert_eq!(lines, [sums, "[2, 4, 6]", "[1, 4, 9, 16]"]);
}

#[test]
fn tuples_are_arguments() {
    let _watchdog = Watchdog::new("tuples_are_arguments");
    let lines = lines_of("starmap", &[]);
    assert_eq!(lines, ["[499999500000, 249999500000, 166666833333, 124999500000]"]);
}

#[test]
fn processes_compute_what_a_loop_computes() {
    let _watchdog = Watchdog::new("processes_compute_what_a_loop_computes");
    assert_eq!(lines_of("same_as_sequential", &[]), ["eight times 333332833333500000"]);
}

#[test]
fn callbacks_are_told_once_and_before_join_returns() {
    let _watchdog = Watchdog::new("callbacks_are_told_once_and_before_join_returns");
    let lines = lines_of("callbacks", &["50"]);
    let (told, read) = lines.split_at(5);
    let told: BTreeSet<_> = told.iter().map(String::as_str).collect();
    let successes = ["Success: 0", "Success: 1", "Success: 4", "Success: 16"];
    assert_eq!(told, successes.into_iter().chain(["Error: Invalid input: 3"]).collect());
    let tasks = ["Task 0: 0", "Task 1: 1", "Task 2: 4"];
    assert_eq!(read[..3], tasks);
    assert_eq!(read[3..], ["Task 3 failed: Invalid input: 3", "Task 4: 16"]);
}

#[test]
fn results_come_before_all_items_are_drawn() {
    let _watchdog = Watchdog::new("results_come_before_all_items_are_drawn");
    let lines = lines_of("lazy", &[]);
    assert_eq!(lines[0], "in order, of a range without end: [0, 1, 2, 3, 4]");
    let is_last = || lines_of("lazy", &[])[1] == "the slow one comes last: Some(0)";
    assert!(in_some_try(is_last), "or never while others had the processors");
}

#[test]
fn a_short_task_costs_more_than_its_call_and_less_among_others() {
    let _watchdog = Watchdog::new("a_short_task_costs_more_than_its_call");
    let is_so = || {
        let lines = lines_of("short_tasks", &[]);
        println!("{lines:?}");
        let took = ["in a loop: ", "one by one: ", "in chunks: "].map(|way| {
            let line = lines.iter().find_map(|line| line.strip_prefix(way));
            let time = line.expect("a line for each").strip_suffix(" ns each").expect("a time");
            time.parse::<u64>().expect("a number")
        });
        let [in_loop, one_by_one, in_chunks] = took;
        in_loop < one_by_one && in_chunks < one_by_one
    };
    assert!(in_some_try(is_so), "or others had the processors each time");
}

#[test]
fn results_outlive_the_executor() {
    let _watchdog = Watchdog::new("results_outlive_the_executor");
    let lines = lines_of("executor", &[]);
    let own = lines[0].strip_prefix("this is PID ").expect("the first line");
    assert_eq!(lines.len(), 6);
    for (n, line) in lines[1..].iter().enumerate() {
        let pid = line.strip_prefix(&format!("Input {n} processed by PID ")).expect("in order");
        assert_ne!(pid, own);
    }
}

#[test]
fn a_run_leaves_a_picture_and_a_trace() {
    let _watchdog = Watchdog::new("a_run_leaves_a_picture_and_a_trace");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("run-{}", id()));
    fs::create_dir_all(&directory).expect("there is room");
    let lines = lines_of("timeline", &[directory.to_str().expect("a path in Unicode")]);
    assert_eq!(lines, ["59 finished, 1 failed, 1 lost"]);
    for name in ["run.html", "run.json"] {
        assert!(fs::metadata(directory.join(name)).is_ok_and(|file| file.len() > 1000), "{name}");
    }
    fs::remove_dir_all(directory).expect("nobody else is there");
}
