//! Starts a stage for each operation, one on each processor, and keeps watch over them.
//!
//! A stage that writes nothing for a while hangs, and one that ends early has crashed. Both are
//! counted, and the rest of its plan is done by a new one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use crate::operations;
use crate::options::Options;
use crate::report::Outcome;
use crate::stage::Line;

/// How long a performance takes at most, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// One instruction that copies a megabyte is a million steps: glibc shall copy in a loop.
const NO_REPEATS: &str = "glibc.cpu.x86_rep_movsb_threshold=1073741824:\
                          glibc.cpu.x86_rep_stosb_threshold=1073741824";

/// Performs all operations that are asked for.
pub(crate) fn all(options: &Options) -> anyhow::Result<Vec<Outcome>> {
    let names = operations::all().into_iter().map(|operation| operation.name);
    let names: Vec<_> = names.filter(|name| options.wants(name)).enumerate().collect();
    if options.list {
        names.iter().for_each(|(_, name)| println!("{name}"));
        return Ok(Vec::new());
    }
    let names = Mutex::new(names.into_iter());
    let next = || names.lock().map_or(None, |mut names| names.next());
    let lane = |cpu| {
        let perform = |(number, name)| Ok((number, one(name, cpu, options)?));
        std::iter::from_fn(next).map(perform).collect::<anyhow::Result<Vec<_>>>()
    };
    let mut outcomes = thread::scope(|scope| {
        let lanes: Vec<_> = cpus()?.into_iter().map(|cpu| scope.spawn(move || lane(cpu))).collect();
        let ended = lanes.into_iter().map(|lane| lane.join().expect("a lane does not panic"));
        ended.collect::<anyhow::Result<Vec<_>>>()
    })?
    .concat();
    outcomes.sort_by_key(|(number, _)| *number);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The processors that this program may use.
fn cpus() -> anyhow::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok((0..CpuSet::count()).filter(|&cpu| set.is_set(cpu).unwrap_or(false)).collect())
}

/// Performs one operation, with as many stages as it takes.
fn one(name: String, cpu: usize, options: &Options) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let mut outcome = Outcome::new(name);
    while !Stage::start(&outcome, cpu, options)?.watch(&mut outcome)? {}
    outcome.time = start.elapsed();
    println!("{outcome}");
    Ok(outcome)
}

struct Stage {
    process: Child,
    lines: Receiver<Line>,
}

impl Stage {
    fn start(outcome: &Outcome, cpu: usize, options: &Options) -> anyhow::Result<Stage> {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--perform", &outcome.name, "--cpu", &cpu.to_string()]);
        command.args(["--skip", &outcome.kills.to_string(), "--seed", &options.seed.to_string()]);
        command.args(["--each", &options.each.to_string()]);
        if let Some(sample) = options.sample {
            command.args(["--sample", &sample.to_string()]);
        }
        // What is bound at the first call would take other instructions at the second.
        command.env("LD_BIND_NOW", "1").env("GLIBC_TUNABLES", NO_REPEATS);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start a stage")?;
        let output = process.stdout.take().context("a stage has no output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.flat_map(|line| line.parse()).try_for_each(|line| sender.send(line))
        });
        Ok(Stage { process, lines })
    }

    /// Notes what the stage tells; returns whether it has done all.
    fn watch(mut self, outcome: &mut Outcome) -> anyhow::Result<bool> {
        let before = outcome.kills;
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => outcome.note(line),
                Err(RecvTimeoutError::Timeout) => {
                    outcome.hang();
                    self.process.kill()?;
                    self.process.wait()?;
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.process.wait()?;
                    if status.success() {
                        return Ok(true);
                    }
                    outcome.violate(format!("a survivor ended: {status}"));
                    break;
                }
            }
        }
        if outcome.kills == before {
            bail!("{}: it cannot even be performed: {:?}", outcome.name, outcome.violations);
        }
        Ok(false)
    }
}
