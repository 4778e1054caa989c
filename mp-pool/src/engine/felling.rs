//! Killing a worker together with all that it has started.
//!
//! Whoever kills a process frees its children to go on under another parent, where nobody finds
//! them. So all are stopped first, from the root on, until a look at the whole list of processes
//! shows no new one; those can start no others any more, and are then killed together. To the
//! tree belong the processes below the worker, whatever group they have moved to, and the process
//! group of the worker, also those whose parents have ended.
//!
//! A process that has moved to another group and whose parent has ended is in neither: that is
//! how daemons are made, and such they stay.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::{fs, thread};

use mp_handle::{Deadline, wait_readable};
use mp_process::Child;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How often processes are looked for: each time takes in what the last one's had just started.
const ROUNDS: usize = 50;
/// Between two looks, for the signals to arrive.
const PAUSE: Duration = Duration::from_micros(200);
/// How long the ends are waited for. Only a process within the kernel, at a broken disk or the
/// like, takes longer; the signal waits for it there.
const PATIENCE: Duration = Duration::from_millis(200);

/// Kills `root`, and all that it has started; returns when they are gone.
pub(super) fn fell(root: &Child) {
    let mut tree = BTreeMap::new();
    for _ in 0..ROUNDS {
        let stats = all_processes();
        // As long as it lives, its number is its own.
        if !root.is_alive() || all_stopped(&stats, root.pid(), &mut tree) {
            break;
        }
        thread::sleep(PAUSE);
    }
    // It fails only if this process may not signal the child any more: nothing can be done.
    let _ = root.kill();
    for pidfd in tree.values() {
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
    }
    let deadline = Deadline::after(PATIENCE);
    for pidfd in tree.values() {
        wait_readable(pidfd, deadline);
    }
}

/// What the system tells of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    group: u32,
    /// It can start no other at the moment.
    is_still: bool,
    /// When it was started: together with the number this is one process only.
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads a line of `/proc/PID/stat`. The name, in parentheses, may hold anything.
    fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        let (_name, rest) = rest.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        Some(Self {
            pid: pid.parse().ok()?,
            is_still: matches!(*fields.first()?, "T" | "t" | "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

fn all_processes() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Stat::of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The processes of the tree, the root included.
fn tree_of(root: u32, stats: &[Stat]) -> Vec<Stat> {
    let is_root = |stat: &&Stat| stat.pid == root || stat.group == root;
    let mut tree: Vec<Stat> = stats.iter().filter(is_root).copied().collect();
    let mut at = 0;
    while let Some(&Stat { pid, .. }) = tree.get(at) {
        for stat in stats.iter().filter(|stat| stat.parent == pid) {
            if !tree.contains(stat) {
                tree.push(*stat);
            }
        }
        at += 1;
    }
    tree
}

/// Stops those of the tree that are not in `known`, and notes them there; tells whether there were
/// none, and all others stand still.
fn all_stopped(stats: &[Stat], root: u32, known: &mut BTreeMap<u32, OwnedFd>) -> bool {
    let mut done = true;
    for stat in tree_of(root, stats) {
        done &= stat.is_still;
        if known.contains_key(&stat.pid) {
            continue;
        }
        done = false;
        if let Some(pidfd) = open(&stat) {
            let _ = pidfd_send_signal(&pidfd, Signal::STOP);
            known.insert(stat.pid, pidfd);
        }
    }
    done
}

/// Opens the pidfd of the very process that `stat` tells of.
fn open(stat: &Stat) -> Option<OwnedFd> {
    let pid = Pid::from_raw(stat.pid.cast_signed())?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    (Stat::of(stat.pid)?.started == stat.started).then_some(pidfd)
}

#[cfg(test)]
mod tests {
    use super::{Stat, tree_of};

    #[test]
    fn a_name_may_hold_anything() {
        let rest = "0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0";
        for name in ["sh", "a) R 1 2 (b", ") ", "x\ny"] {
            let stat = Stat::parse(&format!("12 ({name}) T 3 4 5 {rest}")).unwrap();
            assert_eq!((stat.pid, stat.parent, stat.group, stat.is_still), (12, 3, 4, true));
            assert_eq!(stat.started, 777);
        }
        assert_eq!(Stat::parse("12 (sh) T 3"), None);
    }

    #[test]
    fn the_tree_is_what_is_below_the_root_and_its_group() {
        let stat = |pid, parent, group| Stat { pid, parent, group, is_still: false, started: 0 };
        let stats = [
            stat(1, 0, 1),
            stat(7, 1, 7),
            stat(9, 20, 9),
            stat(10, 7, 10),
            stat(20, 10, 20),
            stat(30, 1, 10),
            stat(31, 30, 31),
            stat(40, 7, 40),
        ];
        let mut tree: Vec<u32> = tree_of(10, &stats).iter().map(|stat| stat.pid).collect();
        tree.sort_unstable();
        assert_eq!(tree, [9, 10, 20, 30, 31]);
    }
}
