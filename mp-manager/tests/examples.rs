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
    assert!(output.status.success(), "{example}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn five_processes_fill_a_dict() {
    let _watchdog = watchdog();
    let expected = r#"[("key_0", 0), ("key_1", 10), ("key_2", 20), ("key_3", 30), ("key_4", 40)]"#;
    assert_eq!(output_of("manager_dict").trim_end(), expected);
}

#[test]
fn five_processes_append_to_a_list() {
    let _watchdog = watchdog();
    assert_eq!(output_of("manager_list").trim_end(), "[0, 1, 2, 3, 4]");
}
