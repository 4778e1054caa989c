//! A stage: the process in which one operation is performed, over and over, with a kill each time.
//!
//! It writes lines for who keeps watch (see `run.rs`): the plan, then each place before the kill
//! there, then what was wrong if anything was.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use anyhow::{Context, bail};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::notes::Notes;
use crate::operation::{Operation, Role, Scene, Verdict};
use crate::operations;
use crate::options::Options;
use crate::plan::{Place, Recording};
use crate::remains::{descriptors, no_descriptor_left, no_process_left};
use crate::shared::Shared;
use crate::victim::{Step, Victim};
use crate::zombie::Zombie;

/// What a stage tells who keeps watch, one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// How many instructions, system calls and places there are.
    Plan(usize, usize, usize),
    /// The next kill is here.
    Place(String),
    /// A promise was broken there.
    Violation(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Plan(instructions, calls, places) => {
                write!(f, "plan {instructions} {calls} {places}")
            }
            Line::Place(place) => write!(f, "place {place}"),
            Line::Violation(text) => write!(f, "violation {}", text.replace('\n', "; ")),
        }
    }
}

impl FromStr for Line {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Line, anyhow::Error> {
        match line.split_once(' ').context("a word alone")? {
            ("place", place) => Ok(Line::Place(place.to_owned())),
            ("violation", text) => Ok(Line::Violation(text.to_owned())),
            ("plan", numbers) => {
                let numbers: Result<Vec<usize>, _> = numbers.split(' ').map(str::parse).collect();
                let [instructions, calls, places] = numbers?[..] else {
                    bail!("not three numbers")
                };
                Ok(Line::Plan(instructions, calls, places))
            }
            (word, _) => bail!("unknown word {word}"),
        }
    }
}

/// Performs one operation at all places of its plan, but for those that are done.
pub(crate) fn perform(name: &str, options: &Options, mut lines: impl Write) -> anyhow::Result<()> {
    settle(options.cpu)?;
    let operation = operations::find(name).context("there is no such operation")?;
    let recording = record(&operation, options)?;
    let plan = recording.plan(options);
    let (instructions, calls) = (recording.instructions, recording.calls.len());
    tell(&mut lines, &Line::Plan(instructions, calls, plan.len()))?;
    for (number, &place) in plan.iter().enumerate().skip(options.skip) {
        tell(&mut lines, &Line::Place(place.to_string()))?;
        // Every second one finds the victim's number still in use.
        let is_reaped = number % 2 == 0;
        let (mut verdict, is_astray) = perform_at(&operation, &recording, true, place, is_reaped)?;
        if is_astray && verdict.is_ok() {
            let place = recording.near(place);
            (verdict, _) = perform_at(&operation, &recording, false, place, is_reaped)?;
            verdict = verdict.map_err(|text| format!("{place}, on another path: {text}"));
        }
        if let Err(text) = verdict {
            tell(&mut lines, &Line::Violation(text))?;
        }
    }
    Ok(())
}

fn tell(lines: &mut impl Write, line: &Line) -> io::Result<()> {
    writeln!(lines, "{line}").and_then(|()| lines.flush())
}

/// Stays on one processor, adopts orphans, and ends with the program.
fn settle(cpu: usize) -> nix::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &cpus)?;
    prctl::set_child_subreaper(true)?;
    prctl::set_pdeathsig(Signal::SIGKILL)
}

fn start(operation: &Operation, scene: &mut dyn Scene, notes: &Notes) -> nix::Result<Victim> {
    let perform = || {
        notes.name_victim(std::process::id());
        scene.perform(notes);
        notes.finish();
        if operation.role.performs() {
            Notes::mark();
        }
    };
    let victim = Victim::start(operation.role, notes, perform)?;
    scene.part();
    Ok(victim)
}

/// Has others do what the victim sleeps for.
fn assist(operation: &Operation, scene: &mut dyn Scene, notes: &Notes) {
    if operation.role == Role::Server {
        notes.begin();
    }
    scene.assist(notes);
}

/// Steps through the whole operation. For a sample, writes are not looked for, as that takes time.
fn record(operation: &Operation, options: &Options) -> anyhow::Result<Recording> {
    let notes = Notes::new();
    let mut scene = operation.set_up(&notes);
    let mut victim = start(operation, &mut *scene, &notes).context("cannot start a victim")?;
    let look = |victim: &Victim| options.sample.is_none().then(|| victim.shared()).transpose();
    let mut shared = look(&victim)?;
    let can_run = victim.can_run();
    let mut recording = Recording::default();
    loop {
        let mut step = victim.step()?;
        if step == Step::Asleep {
            recording.sleeps += 1;
            assist(operation, &mut *scene, &notes);
            step = victim.step()?;
        }
        if victim.was_call() {
            recording.calls.push(recording.instructions);
        }
        match step {
            // It may have mapped more, or less, or be another program.
            Step::Done | Step::Asleep if victim.was_call() => shared = look(&victim)?,
            Step::Done | Step::Asleep => {
                if shared.as_mut().is_some_and(Shared::has_changed) {
                    recording.writes.push(recording.instructions);
                }
            }
            Step::Ended if operation.role.performs() => bail!("it ended before its operation"),
            Step::Astray | Step::Mark | Step::Ended => break,
        }
        recording.instructions += 1;
        if can_run {
            recording.path.push(victim.address());
        }
    }
    if !victim.release()? {
        bail!("without a kill: it failed");
    }
    scene.check(&notes).map_err(|text| anyhow::anyhow!("without a kill: {text}"))?;
    drop(scene);
    no_process_left().map_err(anyhow::Error::msg)?;
    Ok(recording)
}

/// Performs once, up to the place; kills, or holds, there, and asks the survivors. Returns, too,
/// whether the victim ran and went astray.
fn perform_at(
    operation: &Operation,
    recording: &Recording,
    may_run: bool,
    place: Place,
    is_reaped: bool,
) -> anyhow::Result<(Verdict, bool)> {
    let before = descriptors();
    let notes = Notes::new();
    let mut scene = operation.set_up(&notes);
    let mut victim = start(operation, &mut *scene, &notes).context("cannot start a victim")?;
    let assist = || assist(operation, &mut *scene, &notes);
    let is_astray = go_to(place, recording, may_run, &mut victim, assist)? == Step::Astray;
    notes.begin();
    let verdict = if operation.role == Role::Held {
        scene.assist(&notes);
        if victim.finish()? { scene.check(&notes) } else { Err("it failed".to_owned()) }
    } else {
        kill(victim, is_reaped, || scene.check(&notes))?
    };
    drop((scene, notes));
    let verdict = verdict.and_then(|()| no_process_left());
    Ok((verdict.and_then(|()| no_descriptor_left(before)), is_astray))
}

fn kill(
    victim: Victim,
    is_reaped: bool,
    check: impl FnOnce() -> Verdict,
) -> anyhow::Result<Verdict> {
    let mut zombie = Some(victim.kill()?);
    let reap = |zombie: &mut Option<Zombie>| zombie.take().map_or(Ok(true), Zombie::reap);
    let early = zombie.as_ref().is_some_and(|zombie| is_reaped || zombie.has_parent());
    if early && !reap(&mut zombie)? {
        return Ok(Err("the parent failed".to_owned()));
    }
    let verdict = check();
    reap(&mut zombie)?;
    Ok(verdict)
}

/// Goes to a place: with leaps over the system calls before it, then along the path at a run, and the
/// rest step by step; returns how the last of them went. Should it end before, as not all is the same
/// each time, that will do.
fn go_to(
    place: Place,
    recording: &Recording,
    may_run: bool,
    victim: &mut Victim,
    mut assist: impl FnMut(),
) -> nix::Result<Step> {
    let (calls, mut instructions) = match place {
        Place::After(number) => recording.calls_before(number),
        Place::Asleep(_) | Place::Woken(_) => (usize::MAX, 0),
    };
    // A step lets `SIGTRAP` through for good, which a leap does not, and some look at that.
    if calls > 0 && !recording.calls.contains(&0) && !victim.is_interrupted() {
        victim.step()?;
    }
    let (mut leaps, mut sleeps, mut can_jump) = (0, 0, may_run);
    let mut step = Step::Done;
    while leaps < calls || place != Place::After(instructions) {
        let is_leap = leaps < calls;
        let jump = match place {
            Place::After(number) if !is_leap && can_jump => {
                recording.path.jump(instructions, number)
            }
            _ => None,
        };
        can_jump &= is_leap || jump.is_some();
        step = match jump {
            Some(jump) => victim.run(jump)?,
            None if is_leap => victim.leap()?,
            None => victim.step()?,
        };
        match step {
            Step::Done if is_leap => leaps += 1,
            Step::Done => instructions = jump.map_or(instructions + 1, |jump| jump.instructions),
            Step::Astray | Step::Mark | Step::Ended => break,
            Step::Asleep => {
                sleeps += 1;
                if place == Place::Asleep(sleeps) {
                    break;
                }
                assist();
                if place == Place::Woken(sleeps) {
                    break;
                }
            }
        }
    }
    Ok(step)
}
