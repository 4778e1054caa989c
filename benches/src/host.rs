//! A row is measured in a process of its own: whoever crashes or hangs there takes nothing along,
//! and is named; then the row is measured again without it.

use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use mp_handle::Descriptor;
use mp_process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};

use crate::report::Outcome;
use crate::row::Scale;
use crate::rows;
use crate::run::{self, Excluded};

/// After so long in one sample, or in setting it up, a system is said to hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long may what was told to end take, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Makes this process the one that inherits orphans, so that it can wait for their end.
pub(crate) fn adopt_orphans() -> Result<()> {
    // The argument only says yes or no.
    Ok(set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Measures the row of that name; `watch` is told the place in it of the system whose turn it is.
pub(crate) fn measure(
    row: &str,
    scale: Scale,
    runs: usize,
    mut watch: impl FnMut(usize),
) -> Result<Vec<Outcome>> {
    let mut excluded: Vec<Excluded> = Vec::new();
    loop {
        let (reader, writer) = pipe()?;
        let turns = Descriptor::from(OwnedFd::from(writer));
        let arguments = (row.to_owned(), scale, runs, excluded.clone(), turns);
        let process = mp_process::spawn(measure_here, arguments)?;
        let verdict = follow(process, reader, &mut watch);
        sweep()?;
        match verdict {
            Ok(outcomes) => return Ok(outcomes),
            Err((Some(culprit), why)) if excluded.iter().all(|(index, _)| *index != culprit) => {
                excluded.push((culprit, why));
            }
            Err((_, why)) => return Err(anyhow!(why)),
        }
    }
}

/// What the process of the row does. Its announcements are one byte each: the place of the system.
fn measure_here(
    row: String,
    scale: Scale,
    runs: usize,
    excluded: Vec<Excluded>,
    turns: Descriptor,
) -> Result<Vec<Outcome>, String> {
    // A child of ours ends within the init of ours, before main comes to that of procspawn.
    procspawn::init();
    adopt_orphans().map_err(|error| error.to_string())?;
    let mut turns = PipeWriter::from(turns.into_owned().map_err(|error| error.to_string())?);
    let row = rows::all(scale).into_iter().find(|(_, found)| found.name == row);
    let (_, row) = row.ok_or("no such row")?;
    let mut announce = |index: usize| {
        // If nobody reads it, nobody waits for the results either.
        let _ = turns.write_all(&[index as u8]);
    };
    Ok(run::measure(row, runs, &excluded, &mut announce))
}

type Rowed = Process<Result<Vec<Outcome>, String>>;

/// Waits for the results. If there are none, says why, and whose turn it was.
fn follow(
    process: Rowed,
    mut turns: PipeReader,
    watch: &mut impl FnMut(usize),
) -> Result<Vec<Outcome>, (Option<usize>, String)> {
    let mut current = None;
    loop {
        match next_turn(&process, &mut turns) {
            Ok(Some(index)) => {
                watch(index);
                current = Some(index);
            }
            Ok(None) => break,
            Err(error) => {
                let _ = process.kill();
                process.wait();
                return Err((current, format!("{error:#}")));
            }
        }
    }
    match process.join() {
        Ok(outcomes) => outcomes.map_err(|why| (None, why)),
        Err(error) => Err((current, format!("it took its process along: {}", error.failure()))),
    }
}

/// Whose turn it is next; `None` when the process has ended.
fn next_turn(process: &Rowed, turns: &mut PipeReader) -> Result<Option<usize>> {
    let mut events = [
        PollFd::new(&*turns, PollFlags::IN),
        PollFd::from_borrowed_fd(process.sentinel(), PollFlags::IN),
    ];
    let ready = poll(&mut events, Some(&Timespec::try_from(PATIENCE)?))?;
    ensure!(ready > 0, "it hung: killed after {} s", PATIENCE.as_secs());
    let announced = events[0].revents().contains(PollFlags::IN);
    if !announced {
        // Closed without an end of the process: the end is near, or it hangs there.
        let ended = process.wait_timeout(PATIENCE);
        return ended.map(|_| None).context("the process of the row does not end");
    }
    let mut index = [0];
    turns.read_exact(&mut index)?;
    Ok(Some(usize::from(index[0])))
}

/// Ends and buries every process that descends from this one. Between two rows there must be none.
///
/// By SIGTERM first: Python's tracker of names ignores it, and unlinks them when all others are
/// gone.
pub(crate) fn sweep() -> Result<()> {
    let begin = Instant::now();
    loop {
        let children = children()?;
        if children.is_empty() {
            return Ok(());
        }
        ensure!(begin.elapsed() < 2 * GRACE, "processes {children:?} cannot be killed");
        let signal = if begin.elapsed() < GRACE { Signal::TERM } else { Signal::KILL };
        for child in children {
            // It may be gone, and its own children are ours now: the next round sees to them.
            let _ = kill_process(child, signal);
            let _ = waitpid(Some(child), WaitOptions::NOHANG);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The children of all threads of this process, the dead ones that nobody has waited for included.
fn children() -> Result<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task")? {
        // A thread may end meanwhile; its children go to another one.
        let list = std::fs::read_to_string(thread?.path().join("children")).unwrap_or_default();
        let pids = list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
        children.extend(pids);
    }
    Ok(children)
}
