//! Each example is run as a user would run it, and must print what it promises.

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::process::Command;

use common::watchdog::watchdog;

/// What an example that succeeds prints.
fn output_of(example: &str) -> String {
    let test = env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
    let output = Command::new(profile.join("examples").join(example)).output();
    let output = output.expect("the example is there after `cargo build --examples`");
    let [stdout, stderr] = [output.stdout, output.stderr].map(String::from_utf8);
    let stdout = stdout.expect("text");
    assert!(output.status.success(), "{example}: {}\n{stdout}\n{stderr:?}", output.status);
    stdout
}

#[test]
fn a_buffer_is_seen_by_two_and_sent_by_none() {
    let _watchdog = watchdog();
    let output = output_of("one_buffer");
    let (seen, sent) = output.split_once('\n').expect("two lines");
    assert_eq!(seen, "the child wrote \"pong\" at 77777777");
    let sent = sent.trim_end().strip_prefix("bytes in the buffer: 104857600, bytes sent: ");
    assert!(sent.expect("the last line").parse::<usize>().expect("a number") < 100);
}

#[test]
fn a_video_frame_is_one_memory_for_three_processes() {
    let _watchdog = watchdog();
    let output = output_of("video_frame");
    let lines = [
        "bytes of the frame: 24883200",
        "mean blue: 191 above, 63 below",
        "all processes have the same memory",
    ];
    assert_eq!(output.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn no_increment_of_a_shared_counter_is_lost() {
    let _watchdog = watchdog();
    assert_eq!(output_of("shared_counter"), "Final counter value: 100000\n10\n");
}

#[test]
fn each_process_sets_its_element_of_a_shared_array() {
    let _watchdog = watchdog();
    let elements = "[0.0, 1.5, 3.0, 4.5, 6.0, 7.5, 9.0, 10.5, 12.0, 13.5]\n";
    assert_eq!(output_of("shared_array"), elements);
}
