//! `#[mp_process::test]` with what else can be said of a test.

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::error::Error;
use std::process::Command;

use common::watchdog::watchdog;
use mp_process::{Process, Stdio, spawn};

fn double(n: u32) -> u32 {
    n * 2
}

#[mp_process::test]
fn a_test_can_return_a_result() -> Result<(), Box<dyn Error>> {
    let _watchdog = watchdog();
    assert_eq!(spawn(double, (21,))?.join()?, 42);
    Ok(())
}

#[mp_process::test]
#[should_panic(expected = "the child said 42")]
fn a_test_can_be_one_that_panics() {
    let _watchdog = watchdog();
    panic!("the child said {}", spawn(double, (21,)).unwrap().join().unwrap());
}

#[mp_process::test]
#[tokio::test]
async fn a_test_can_be_asynchronous() {
    let _watchdog = watchdog();
    let process = spawn(double, (21,)).unwrap();
    assert_eq!(tokio::task::spawn_blocking(|| process.join().unwrap()).await.unwrap(), 42);
}

#[mp_process::test]
#[tokio::test]
async fn an_asynchronous_test_can_return_a_result() -> Result<(), Box<dyn Error + Send + Sync>> {
    let _watchdog = watchdog();
    assert_eq!(spawn(double, (21,))?.join()?, 42);
    Ok(())
}

mod nested {
    mod deeply {
        use crate::common::watchdog::watchdog;
        use mp_process::spawn;

        #[mp_process::test]
        fn a_test_can_be_in_a_module() {
            let _watchdog = watchdog();
            assert_eq!(spawn(super::super::double, (21,)).unwrap().join().unwrap(), 42);
        }
    }
}

#[mp_process::test]
#[ignore = "run by the test below"]
fn an_ignored_test() {
    let _watchdog = watchdog();
    assert_eq!(spawn(double, (21,)).unwrap().join().unwrap(), 42);
}

/// Runs one test of this binary alone, as nextest does, and returns what it says.
fn run_alone(name: &str) -> String {
    let mut run = Command::new(env::current_exe().unwrap());
    let output = run.args(["--exact", name, "--include-ignored", "--nocapture"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// In a run of all tests, children go by whichever came first.
#[mp_process::test]
fn each_kind_of_test_works_alone() {
    let _watchdog = watchdog();
    for name in [
        "a_test_can_return_a_result",
        "a_test_can_be_one_that_panics",
        "a_test_can_be_asynchronous",
        "an_asynchronous_test_can_return_a_result",
        "nested::deeply::a_test_can_be_in_a_module",
        "an_ignored_test",
    ] {
        let text = run_alone(name);
        assert!(text.contains("test result: ok. 1 passed; 0 failed;"), "{text}");
        assert_eq!(text.matches("running 1 test").count(), 1, "the child's harness: {text}");
    }
}

/// The lines with which the child's own harness begins are not what the child prints.
#[mp_process::test]
fn the_output_of_a_child_is_its_own_alone() {
    let _watchdog = watchdog();
    let mut process =
        Process::builder().stdout(Stdio::Piped).spawn(|| println!("hello"), ()).unwrap();
    let stdout = process.take_stdout().unwrap();
    process.join().unwrap();
    assert_eq!(std::io::read_to_string(stdout).unwrap(), "hello\n");
}
