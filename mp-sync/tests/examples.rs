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

fn sorted(lines: &[String]) -> Vec<&str> {
    let mut lines: Vec<_> = lines.iter().map(String::as_str).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn three_wait_for_the_event_and_then_proceed() {
    let _watchdog = watchdog();
    let lines = lines_of("wait_for_event");
    assert_eq!(lines.len(), 7, "{lines:?}");
    assert_eq!(sorted(&lines[..3]), [0, 1, 2].map(|n| format!("Process {n} waiting...")));
    assert_eq!(lines[3], "Setting event...");
    assert_eq!(sorted(&lines[4..]), [0, 1, 2].map(|n| format!("Process {n} proceeding!")));
}

#[test]
fn two_at_a_time_have_the_resource() {
    let _watchdog = watchdog();
    let lines = lines_of("limited_resource");
    let place = |line: String| lines.iter().position(|other| *other == line).expect("the line");
    for number in 0..5 {
        let steps = ["attempting to acquire...", "acquired resource", "released resource"];
        let places = steps.map(|step| place(format!("Process {number} {step}")));
        assert!(places.is_sorted(), "{lines:?}");
    }
    assert_eq!(lines.len(), 16);
    // Five of them, two at a time.
    let turns = lines[15].strip_suffix(" turns of two").expect("the last line");
    assert!(turns.parse::<f64>().expect("a number") >= 3.0, "{turns}");
}
