//! What can be an argument and a result: whatever serde can carry, and handles, of any size.

mod common {
    pub(crate) mod watchdog;
}

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};

use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{Func, Process, spawn};
use rustix::fs::MemfdFlags;
use serde::{Deserialize, Serialize};

#[mp_process::test]
fn a_function_has_up_to_twelve_arguments() {
    fn two(a: u8, b: u8) -> u32 {
        u32::from(a) + u32::from(b)
    }
    let _watchdog = watchdog();
    let call = |process: Process<u32>| process.join().unwrap();
    assert_eq!(spawn(|| (), ()).unwrap().join(), Ok(()));
    assert_eq!(call(spawn(|a: u32| a, (1,)).unwrap()), 1);
    assert_eq!(call(spawn(two, (1, 2)).unwrap()), 3);
    type Mixed = (u32, u8, i8, u16, i16, i32, u64, i64, bool, char, String, Option<u32>);
    #[allow(clippy::too_many_arguments, reason = "twelve is what this is about")]
    fn twelve(
        a: u32,
        b: u8,
        c: i8,
        d: u16,
        e: i16,
        f: i32,
        g: u64,
        h: i64,
        i: bool,
        j: char,
        k: String,
        l: Option<u32>,
    ) -> Mixed {
        (a, b, c, d, e, f, g, h, i, j, k, l)
    }
    let arguments: Mixed =
        (1, 2, -3, 4, -5, -6, u64::MAX, i64::MIN, true, '\u{1f980}', "eleven".into(), None);
    assert_eq!(spawn(twelve, arguments.clone()).unwrap().join().unwrap(), arguments);
}

/// That a closure which captures is refused when the program is built is a test of the
/// documentation of `spawn`.
#[mp_process::test]
fn what_a_closure_would_capture_is_an_argument() {
    let _watchdog = watchdog();
    let (factor, text) = (3, String::from("ab"));
    let process = spawn(|text: String, factor: usize| text.repeat(factor), (text, factor));
    assert_eq!(process.unwrap().join().unwrap(), "ababab");
}

/// Bytes that repeat with an odd period, so that none is in place of another unseen.
fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = (0..251).collect::<Vec<u8>>().repeat(len / 251 + 1);
    bytes.truncate(len);
    bytes
}

fn reversed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

fn travels_both_ways(len: usize) {
    let came_back = spawn(reversed, (bytes(len),)).unwrap().join().unwrap();
    assert!(came_back == reversed(bytes(len)), "{len} bytes");
}

#[mp_process::test]
fn arguments_and_results_may_have_any_size() {
    let _watchdog = watchdog();
    for len in [0, 1, (16 << 10) - 100, 16 << 10, (16 << 10) + 1, 1 << 20, 64 << 20] {
        travels_both_ways(len);
    }
}

#[mp_process::test]
#[ignore = "needs 5 GiB of memory"]
fn a_gibibyte_travels_both_ways() {
    let _watchdog = watchdog();
    travels_both_ways(1 << 30);
}

/// A large result is in a memfd: the child need not wait until it is read.
#[mp_process::test]
fn a_child_ends_before_its_large_result_is_read() {
    let _watchdog = watchdog();
    let process = spawn(|| vec![7_u8; 8 << 20], ()).unwrap();
    assert!(process.wait().success());
    assert_eq!(process.join().unwrap().len(), 8 << 20);
}

fn file_with(text: &str) -> Descriptor {
    let fd: OwnedFd = rustix::fs::memfd_create("numbered", MemfdFlags::CLOEXEC).unwrap();
    rustix::io::write(&fd, text.as_bytes()).unwrap();
    fd.into()
}

fn text_of(descriptor: &Descriptor) -> String {
    let mut file = File::from(descriptor.as_fd().try_clone_to_owned().unwrap());
    file.seek(SeekFrom::Start(0)).unwrap();
    std::io::read_to_string(file).unwrap()
}

/// One packet of a socket holds 253 at most.
#[mp_process::test]
fn three_hundred_descriptors_travel_both_ways() {
    let _watchdog = watchdog();
    let given: Vec<Descriptor> = (0..300).map(|n| file_with(&n.to_string())).collect();
    let look = |given: Vec<Descriptor>| -> (Vec<String>, Vec<Descriptor>) {
        (given.iter().map(text_of).collect(), given)
    };
    let (texts, came_back) = spawn(look, (given,)).unwrap().join().unwrap();
    let expected: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    assert_eq!(texts, expected);
    assert_eq!(came_back.iter().map(text_of).collect::<Vec<_>>(), expected);
}

fn double(n: u32) -> u32 {
    n * 2
}

#[mp_process::test]
fn functions_travel_in_tables() {
    let _watchdog = watchdog();
    let table = BTreeMap::from([
        (String::from("double"), Func::new(double).unwrap()),
        (String::from("next"), Func::new(|n: u32| n + 1).unwrap()),
    ]);
    let call = |table: BTreeMap<String, Func<(u32,), u32>>, name: String, n: u32| {
        (table[&name].call((n,)), table[&name])
    };
    for (name, result) in [("double", 42), ("next", 22)] {
        let (value, f) = spawn(call, (table.clone(), name.to_owned(), 21)).unwrap().join().unwrap();
        assert_eq!(value, result, "{name}");
        assert_eq!(f, table[name]);
    }
}

/// A command in each shape that serde knows for an enum, and some more in a struct.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Command {
    Stop,
    Move(i32, i32),
    Draw { color: String, width: f32 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
    List(Vec<Either>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Tagged {
    One(u8),
    Two(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Extra {
    depth: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Job {
    commands: Vec<Command>,
    either: Either,
    tagged: Vec<Tagged>,
    #[serde(flatten)]
    extra: Extra,
    #[serde(rename = "type")]
    kind: char,
    nothing: (),
    json: serde_json::Value,
}

#[mp_process::test]
fn every_shape_of_serde_travels() {
    let _watchdog = watchdog();
    let job = Job {
        commands: vec![
            Command::Stop,
            Command::Move(-1, i32::MAX),
            Command::Draw { color: "red".into(), width: 0.5 },
        ],
        either: Either::List(vec![Either::Number(-7), Either::Text("seven".into())]),
        tagged: vec![Tagged::One(1), Tagged::Two("two".into())],
        extra: Extra { depth: 3, note: None },
        kind: 'x',
        nothing: (),
        json: serde_json::json!({ "list": [1, 2.5, null, "text"], "map": { "deep": true } }),
    };
    let (count, came_back) =
        spawn(|job: Job| (job.commands.len(), job), (job.clone(),)).unwrap().join().unwrap();
    assert_eq!(count, 3);
    assert_eq!(came_back, job);
}

#[derive(Serialize)]
struct PanicsOnArrival;

impl<'de> Deserialize<'de> for PanicsOnArrival {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("on arrival")
    }
}

#[mp_process::test]
fn a_panic_while_the_arguments_are_decoded_is_that_of_the_process() {
    let _watchdog = watchdog();
    let lost = spawn(|_: PanicsOnArrival| (), (PanicsOnArrival,)).unwrap().join().unwrap_err();
    match lost.into_failure() {
        mp_process::Failure::Panicked(panic) => assert_eq!(panic.message, "on arrival"),
        other => panic!("{other:?}"),
    }
}
