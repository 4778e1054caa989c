//! Each example is run as a user would run it, and must print what it promises.
#![cfg(feature = "pool")]

mod common {
    pub(crate) mod programs;
}

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::id;

use common::programs::{after, only, output_of, output_with};

/// 0² + 1² + … + 9,999,999², which is larger than a `u64` can hold.
const SUM_OF_SQUARES: u128 = 333_333_283_333_335_000_000;

#[multiprocess::test]
fn one_process_prints_each_line_once() {
    let output = output_of("one_process");
    assert_eq!(output, "Process is running\nWorker: 1\nWorker process\n");
}

#[multiprocess::test]
fn many_processes_have_pids_of_their_own_and_exit_well() {
    let output = output_of("many_processes");
    let parent = only(&output, "parent in pid ");
    let workers: BTreeMap<_, _> = after(&output, "worker ")
        .into_iter()
        .map(|line| line.split_once(" in pid ").expect("a number and a pid"))
        .collect();
    assert_eq!(workers.keys().copied().collect::<Vec<_>>(), ["0", "1", "2"]);
    let pids: BTreeSet<_> = workers.values().copied().chain([parent]).collect();
    assert_eq!(pids.len(), 4, "{output}");
    let ended = after(&output, "Process-");
    assert_eq!(ended, [1, 2, 3].map(|n| format!("{n} exited with code 0")));
    assert_eq!(output.lines().count(), 7);
}

#[multiprocess::test]
fn an_unguarded_start_is_refused_in_parent_and_child() {
    let output = output_of("unguarded_start");
    let refused = after(&output, "refused: ");
    assert_eq!(refused.len(), 2, "one main of the parent, and one of its child: {output}");
    assert!(refused.iter().all(|text| text.contains("before init")), "{output}");
    assert_eq!(after(&output, "children: "), ["0", "0"]);
    assert!(only(&output, "refused in the child: ").contains("before init"));
    assert!(only(&output, "the parent is told: ").contains("before it reached init"));
}

#[multiprocess::test]
fn processes_compute_what_threads_compute() {
    let output = output_of("threads_and_processes");
    for core in 1..=4 {
        let sum = only(&output, &format!("Core-{core} finished: "));
        assert_eq!(sum.parse(), Ok(SUM_OF_SQUARES));
    }
    for kind in ["Threading: ", "Multiprocessing: "] {
        let seconds = only(&output, kind).strip_suffix('s').expect("a number of seconds");
        assert!(seconds.parse::<f64>().expect("a number") > 0.0);
    }
}

#[multiprocess::test]
fn what_a_child_did_is_there_after_join() {
    assert_eq!(output_of("join_waits"), "lines after join: 10000\n");
}

#[multiprocess::test]
fn what_a_child_does_to_its_memory_stays_there() {
    assert_eq!(output_of("memory_is_not_shared"), "child: 100\nparent: 5\n");
}

#[multiprocess::test]
fn two_processes_compute_at_the_same_time() {
    let output = output_of("real_parallelism");
    // The example fails unless the two overlap.
    only(&output, "overlap: ");
    let processors = only(&output, "processors: ");
    let (cpus, all) = processors.split_once(" of ").expect("a number of processors");
    let (one, two) = cpus.split_once(" and ").expect("two processors");
    assert!(one != two || all == "1", "{output}");
}

#[multiprocess::test]
fn a_pool_has_a_worker_for_each_processor() {
    let output = output_of("pool_size");
    let processors = only(&output, "processors: ").parse();
    assert_eq!(processors, Ok(multiprocess::cpu_count()));
    assert!(multiprocess::cpu_count() >= 1);
    assert_eq!(only(&output, "workers: ").parse(), processors);
}

#[multiprocess::test]
fn a_pool_looks_at_every_photograph_once() {
    let output = output_of("every_photograph");
    let photos = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos");
    let names = ["dandelions", "dogs", "fig", "galaxies", "pagoda", "rocket", "sunset", "wine"];
    let paths = names.map(|name| photos.join(name).with_extension("jpg").display().to_string());
    let mut seen = after(&output, "Processing ");
    seen.sort_unstable();
    assert_eq!(seen, paths);
    assert!(output.contains("\n8 photographs, "), "{output}");
}

#[multiprocess::test]
fn nothing_is_left_of_a_pool() {
    let output = output_of("nothing_left_behind");
    assert_eq!(only(&output, "squares: "), "[1, 4, 9, 16]");
    assert_eq!(only(&output, "children with the pool: "), "2");
    assert_eq!(only(&output, "children after it: "), "0");
    assert_eq!(only(&output, "files in /dev/shm after it: "), "0");
    let files = only(&output, "open files before and after: ");
    let (before, after) = files.split_once(", ").expect("two numbers");
    assert_eq!(before, after);
}

#[multiprocess::test]
fn every_photograph_comes_out_whatever_becomes_of_the_workers() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("thumbnails-{}", id()));
    let [input, output] = ["photographs", "thumbnails"].map(|name| folder.join(name));
    fs::create_dir_all(&input).expect("there is room");
    // Small ones: without optimization, decoders are slow.
    for name in ["camera.png", "chelsea.png", "rocket.jpg"] {
        let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos").join(name);
        fs::copy(photo, input.join(name)).expect("there is room");
    }
    let options =
        ["--chaos", "--with-traps", "--deadline=6", "--input", "--output"].map(OsStr::new);
    let [chaos, traps, deadline, from, to] = options;
    let arguments = [chaos, traps, deadline, from, input.as_ref(), to, output.as_ref()];
    let report = output_with("thumbnails", &arguments);
    assert_eq!(report.matches("as designed: ").count(), 3, "{report}");
    assert!(only(&report, "chaos: ").ends_with(", 3 of 3 photographs out"), "{report}");
    let files = fs::read_dir(&output).expect("the folder exists").count();
    assert_eq!(files, 4, "three thumbnails and the sheet");
    fs::remove_dir_all(folder).expect("nobody else is there");
}
