//! The part of libtest's command line that `cargo test` and nextest use, for test programs with a
//! `main` of their own.

use std::env;

use super::watchdog::watchdog;

/// Lists or runs tests, as the command line says.
pub(crate) fn run(tests: &[(&str, fn())]) {
    let (options, filters): (Vec<_>, Vec<_>) =
        plain_arguments().into_iter().partition(|argument| argument.starts_with('-'));
    let has = |option| options.iter().any(|other| other == option);
    let wanted = |name: &str| match has("--exact") {
        true => filters.iter().any(|filter| filter == name),
        false => filters.is_empty() || filters.iter().any(|filter| name.contains(&**filter)),
    };
    // No test of these programs is an ignored one.
    for (name, test) in tests.iter().filter(|(name, _)| wanted(name) && !has("--ignored")) {
        if has("--list") {
            println!("{name}: test");
        } else {
            let _watchdog = watchdog();
            test();
            println!("test {name} ... ok");
        }
    }
}

/// The arguments without those that belong to an option before them.
fn plain_arguments() -> Vec<String> {
    let mut arguments = env::args().skip(1);
    let mut plain = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--format" | "--test-threads" | "--color" | "--skip" | "-Z" => drop(arguments.next()),
            _ => plain.push(argument),
        }
    }
    plain
}
