//! A program starts processes of the image that runs, whatever has become of its file.
//!
//! A program with a `main` of its own, which starts copies of itself.

mod common {
    pub(crate) mod harness;
    pub(crate) mod role;
    pub(crate) mod scratch;
    pub(crate) mod watchdog;
}

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::harness;
use common::role::{self, role};
use common::scratch::Scratch;
use mp_process::{Func, init, spawn};

fn main() {
    init();
    match role() {
        None => harness::run(&[
            ("a_program_whose_file_was_deleted", a_program_whose_file_was_deleted),
            ("a_program_whose_file_was_replaced", a_program_whose_file_was_replaced),
            ("a_program_without_symbols", a_program_without_symbols),
            ("a_program_called_by_another_name", a_program_called_by_another_name),
        ]),
        Some(_) => program(),
    }
}

/// Starts processes when it is told to.
fn program() {
    println!("ready");
    io::stdin().lines().next().unwrap().unwrap();
    let apply = |f: Func<(u32,), u32>, n: u32| f.call((n,));
    let double = Func::new(|n: u32| n * 2).unwrap();
    println!("{}", spawn(apply, (double, 21)).unwrap().join().unwrap());
}

/// Copies this program into a directory.
fn copy(scratch: &Scratch) -> PathBuf {
    let copy = scratch.path().join("program");
    fs::copy(env::current_exe().unwrap(), &copy).unwrap();
    copy
}

/// Runs a program that does `meanwhile` when it has begun, and checks that it can start others.
fn works(path: &Path, meanwhile: impl FnOnce(&Path)) {
    let mut child = role::program(path, "program").stdin(Stdio::piped()).spawn().unwrap();
    let mut stdout = io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(stdout.next().as_deref(), Some("ready"));
    meanwhile(path);
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(stdout.next().as_deref(), Some("42"));
    assert!(child.wait().unwrap().success());
}

fn a_program_whose_file_was_deleted() {
    let scratch = Scratch::new("deleted");
    works(&copy(&scratch), |path| fs::remove_file(path).unwrap());
}

fn a_program_whose_file_was_replaced() {
    let scratch = Scratch::new("replaced");
    works(&copy(&scratch), |path| {
        let other = path.with_extension("new");
        fs::copy("/bin/false", &other).unwrap();
        fs::rename(&other, path).unwrap();
    });
}

fn a_program_without_symbols() {
    let scratch = Scratch::new("stripped");
    let copy = copy(&scratch);
    let size = || fs::metadata(&copy).unwrap().len();
    let before = size();
    assert!(Command::new("strip").arg(&copy).status().unwrap().success());
    assert!(size() < before);
    works(&copy, |_| ());
}

fn a_program_called_by_another_name() {
    let scratch = Scratch::new("linked");
    let link = scratch.path().join("another name");
    std::os::unix::fs::symlink(env::current_exe().unwrap(), &link).unwrap();
    works(&link, |_| ());
}
