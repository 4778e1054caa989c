//! When a pool has gone out of scope, no process of it is left, nor anything that had a name.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::id;

use multiprocess as mp;

fn square(n: u64) -> u64 {
    n * n
}

/// The processes, zombies included, whose parent is this one.
fn children() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(id())).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may contain anything; the state and the parent follow it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// The files in `/dev/shm` that a process has mapped.
fn named_memory_of(pid: u32) -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let paths = maps.lines().filter_map(|line| line.find("/dev/shm/").map(|at| &line[at..]));
    paths.map(PathBuf::from).collect()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").into_iter().flatten().count()
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let open_before = open_files();
    let mut named = BTreeSet::new();
    {
        let pool = mp::Pool::new(2)?;
        println!("squares: {:?}", pool.map(square, 1..=4)?);
        println!("children with the pool: {}", children().len());
        for pid in pool.worker_pids().into_iter().chain([id()]) {
            named.append(&mut named_memory_of(pid));
        }
    }
    named.retain(|path| path.exists());
    println!("children after it: {}", children().len());
    println!("files in /dev/shm after it: {}", named.len());
    println!("open files before and after: {open_before}, {}", open_files());
    Ok(())
}
