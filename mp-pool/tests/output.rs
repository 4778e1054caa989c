//! What workers print: whole lines, in time, and nobody waits for ever for who reads them.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{process, thread};

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Output, Pool};
use mp_process::{Function, Process, Stdio};

/// Runs `program` in a process of its own; returns the lines that it wrote to its standard output
/// and error. (Those of libtest, if there are any, come before.)
fn output_of<F>(program: F) -> [Vec<String>; 2]
where
    F: Function<(), Output = ()>,
{
    let builder = Process::builder().stdout(Stdio::Piped).stderr(Stdio::Piped);
    let mut child = builder.spawn(program, ()).unwrap();
    let stderr = child.take_stderr().unwrap();
    let stderr = thread::spawn(move || lines(stderr));
    let stdout = lines(child.take_stdout().unwrap());
    child.join().unwrap();
    [stdout, stderr.join().unwrap()]
}

fn lines(pipe: impl Read) -> Vec<String> {
    BufReader::new(pipe).lines().map(Result::unwrap).collect()
}

fn pool(workers: usize, output: Output) -> Pool {
    Pool::builder().workers(workers).output(output).build().unwrap()
}

#[mp_process::test]
fn row_41_lines_of_workers_do_not_mix() {
    let _watchdog = Watchdog::new("row_41_lines_of_workers_do_not_mix");
    fn in_pieces(n: u32) {
        for piece in ["task ", "with the number ", &n.to_string(), " speaks", "\n"] {
            eprint!("{piece}");
            print!("{piece}");
            thread::yield_now();
        }
    }
    fn program() {
        pool(4, Output::Lines).task(in_pieces).chunk_size(1).map(0..400).unwrap();
    }
    for mut said in output_of(program) {
        said.retain(|line| line.starts_with("task "));
        said.sort();
        let mut all: Vec<_> =
            (0..400).map(|n| format!("task with the number {n} speaks")).collect();
        all.sort();
        assert_eq!(said, all);
    }
}

#[mp_process::test]
fn what_a_task_has_printed_is_there_before_its_result() {
    let _watchdog = Watchdog::new("what_a_task_has_printed_is_there_before_its_result");
    fn program() {
        let pool = pool(2, Output::Lines);
        for n in 0..200 {
            pool.apply(|n: u32| println!("task {n}"), (n,)).unwrap();
            println!("result {n}");
        }
    }
    let [mut said, _] = output_of(program);
    said.retain(|line| line.starts_with("task ") || line.starts_with("result "));
    let all: Vec<_> = (0..200).flat_map(|n| [format!("task {n}"), format!("result {n}")]).collect();
    assert_eq!(said, all);
}

#[mp_process::test]
fn the_last_half_line_of_a_worker_that_dies_comes_out() {
    let _watchdog = Watchdog::new("the_last_half_line_of_a_worker_that_dies_comes_out");
    fn die() {
        eprint!("half a li");
        process::abort();
    }
    fn program() {
        pool(1, Output::Lines).apply(die, ()).unwrap_err();
        eprintln!("after");
    }
    let [_, said] = output_of(program);
    assert!(said.ends_with(&["half a li".into(), "after".into()]), "{said:?}");
}

#[mp_process::test]
fn each_output_goes_where_it_was_asked_to() {
    let _watchdog = Watchdog::new("each_output_goes_where_it_was_asked_to");
    fn say(name: String) {
        println!("{name}");
    }
    fn program() {
        pool(1, Output::Lines).apply(say, ("in lines".into(),)).unwrap();
        pool(1, Output::Named).apply(say, ("with a name".into(),)).unwrap();
        pool(1, Output::Inherit).apply(say, ("directly".into(),)).unwrap();
        pool(1, Output::Null).apply(say, ("nowhere".into(),)).unwrap();
    }
    let [said, _] = output_of(program);
    assert!(
        said.ends_with(&["in lines", "PoolWorker-1: with a name", "directly"].map(String::from))
    );
}

/// Two megabytes.
fn flood() {
    let line = "x".repeat(99);
    for _ in 0..20_000 {
        println!("{line}");
    }
}

#[mp_process::test]
fn a_pool_goes_on_and_ends_while_nobody_takes_its_output() {
    let _watchdog = Watchdog::new("a_pool_goes_on_and_ends_while_nobody_takes_its_output");
    fn die() {
        eprint!("so it ends");
        process::abort();
    }
    fn program() -> u64 {
        let pool = pool(2, Output::Lines);
        let flood = pool.apply_async(flood, ());
        // The worker that is stuck in its output has this, too: it goes to the other.
        let squares = pool.task(|n: u64| n * n).chunk_size(1).map(0..100).unwrap();
        let lost = pool.apply(die, ()).unwrap_err();
        assert_eq!(lost.stderr_tail(), "so it ends");
        assert!(!flood.ready());
        drop(pool);
        flood.get().unwrap_err();
        squares.iter().sum()
    }
    let unread = Process::builder().stdout(Stdio::Piped).spawn(program, ()).unwrap();
    assert_eq!(unread.join().unwrap(), 328_350);
}

#[mp_process::test]
fn a_flood_arrives_whole() {
    let _watchdog = Watchdog::new("a_flood_arrives_whole");
    fn program() {
        pool(2, Output::Lines).map(|_: u32| flood(), 0..2).unwrap();
    }
    let [said, _] = output_of(program);
    let line = "x".repeat(99);
    assert_eq!(said.iter().filter(|said| **said == line).count(), 40_000);
}

#[mp_process::test]
fn however_slowly_it_is_read_what_a_task_has_printed_is_there_before_its_result() {
    let _watchdog = Watchdog::new("however_slowly_it_is_read");
    /// More than all pipes on the way hold.
    fn speak() {
        (0..2_000).for_each(|_| println!("{:99}", "a task"));
    }
    fn program() {
        let pool = pool(1, Output::Lines);
        pool.apply(speak, ()).unwrap();
        println!("its result");
    }
    let mut child = Process::builder().stdout(Stdio::Piped).spawn(program, ()).unwrap();
    let (mut pipe, mut said) = (child.take_stdout().unwrap(), Vec::new());
    while (&mut pipe).take(4096).read_to_end(&mut said).unwrap() > 0 {
        thread::sleep(Duration::from_millis(60));
    }
    child.join().unwrap();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.matches("a task").count(), 2_000);
    assert!(said.ends_with("\nits result\n"), "{}", &said[said.len() - 200..]);
}

#[mp_process::test]
fn a_pool_works_where_there_is_no_output() {
    let _watchdog = Watchdog::new("a_pool_works_where_there_is_no_output");
    fn program() -> u32 {
        // SAFETY: Rust's streams take what cannot be written to as written.
        unsafe {
            libc::close(1);
            libc::close(2);
        }
        let pool = pool(2, Output::Lines);
        let speak = |n: u32| {
            println!("{n}");
            eprintln!("{n}");
            n
        };
        pool.task(speak).chunk_size(1).map(0..100).unwrap().iter().sum()
    }
    assert_eq!(mp_process::spawn(program, ()).unwrap().join().unwrap(), 4950);
}

#[mp_process::test]
fn lines_do_not_go_into_what_was_opened_in_the_place_of_a_closed_output() {
    let _watchdog = Watchdog::new("lines_do_not_go_into_what_was_opened");
    fn program() -> u32 {
        // SAFETY: Rust's streams take what cannot be written to as written.
        unsafe {
            libc::close(1);
            libc::close(2);
        }
        // Each task finds a worker that is started when others have printed.
        let pool = Pool::builder().workers(1).max_tasks_per_child(1).build().unwrap();
        let speak = |n: u32| {
            println!("a line that is longer than what a region begins with: {n:9}");
            eprintln!("so much for {n}");
            n
        };
        (0..5).map(|n| pool.apply(speak, (n,)).unwrap()).sum()
    }
    assert_eq!(mp_process::spawn(program, ()).unwrap().join().unwrap(), 10);
}

#[mp_process::test]
fn a_worker_without_output_works() {
    let _watchdog = Watchdog::new("a_worker_without_output_works");
    fn close_streams() {
        // SAFETY: Rust's streams take what cannot be written to as written.
        unsafe {
            libc::close(1);
            libc::close(2);
        }
        println!("unheard");
    }
    let pool = pool(1, Output::Lines);
    pool.apply(close_streams, ()).unwrap();
    assert_eq!(pool.map(|n: u32| n + 1, 0..3).unwrap(), [1, 2, 3]);
}

#[mp_process::test]
fn a_pool_ends_though_a_child_of_a_worker_keeps_its_output() {
    let _watchdog = Watchdog::new("a_pool_ends_though_a_child_of_a_worker_keeps_its_output");
    fn leave_a_child(gate: Region) {
        let wait = |gate: Region| {
            while gate.atomic_u32(0).unwrap().load(Ordering::Acquire) == 0 {
                thread::yield_now();
            }
            println!("the child speaks");
            gate.atomic_u32(4).unwrap().store(1, Ordering::Release);
        };
        drop(Process::builder().detached(true).spawn(wait, (gate,)).unwrap());
    }
    fn program() {
        let gate = Region::create(Kind::new(1000, "gate"), 0, 64).unwrap();
        let word = |offset| -> &AtomicU32 { gate.atomic_u32(offset).unwrap() };
        let pool = pool(1, Output::Lines);
        pool.apply(leave_a_child, (gate.clone(),)).unwrap();
        pool.close();
        pool.join().unwrap();
        word(0).store(1, Ordering::Release);
        while word(4).load(Ordering::Acquire) == 0 {
            thread::yield_now();
        }
    }
    // The child would not come to the end if it could not print.
    mp_process::spawn(program, ()).unwrap().join().unwrap();
}
