//! A case is a process: it starts a victim, kills it, and says how it goes on without.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use mp_handle::Descriptor;
use mp_process::{Function, Process};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{HANGS, PATIENCE};
use crate::row::System;

/// So long may it take to set up a case.
const SETUP: Duration = Duration::from_secs(10);

/// How a process says that it is where its parent wants it.
#[derive(Serialize, Deserialize)]
pub(super) struct Ready(Descriptor);

impl Ready {
    pub(super) fn say(self) {
        self.say_number(0);
    }

    pub(super) fn say_number(self, number: u32) {
        let mut socket = UnixStream::from(self.0.into_owned().expect("the only owner"));
        socket.write_all(&number.to_ne_bytes()).expect("who waits for it");
    }
}

/// A system whose `case` says so when somebody is dead, and then returns what became of the rest.
pub(super) fn system<F>(name: &'static str, case: F) -> System
where
    F: Function<(Ready,), Output = String>,
{
    System::verdict(name, move || {
        let (socket, ready) = pair()?;
        let mut process = mp_process::spawn(case, (ready,))?;
        let set_up = wait(socket).context("it could not be set up");
        let answer = set_up.map(|_| process.join_timeout(PATIENCE));
        // It can only be gone already; and its children die with it.
        let _ = process.kill();
        process.wait();
        match answer? {
            None => Ok(HANGS.into()),
            Some(answer) => answer.map_err(|error| anyhow!("the case failed: {error}")),
        }
    })
}

/// Starts a process that is going to be killed, and waits until it is ready for that; returns the
/// number that it said, too.
pub(super) fn victim<F, A>(f: F, what: A) -> Result<(Process<()>, u32)>
where
    F: Function<(Ready, A), Output = ()>,
    A: Serialize + DeserializeOwned,
{
    let (socket, ready) = pair()?;
    let process = mp_process::spawn(f, (ready, what))?;
    Ok((process, wait(socket)?))
}

/// Kills a process that sleeps in the kernel, in the midst of what it does.
pub(super) fn kill_asleep(process: &Process<()>) -> Result<()> {
    until_asleep(process.pid());
    kill(process)
}

pub(super) fn kill(process: &Process<()>) -> Result<()> {
    process.kill()?;
    process.wait();
    Ok(())
}

/// Waits until the main thread of a process sleeps in the kernel for long.
pub(super) fn until_asleep(pid: u32) {
    let mut calm = 0;
    while calm < 20 {
        calm = if state(pid) == Some('S') { calm + 1 } else { 0 };
        thread::sleep(Duration::from_millis(5));
    }
}

/// The state of a process, as in `ps`.
pub(super) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// What came of an attempt, in words.
pub(super) fn outcome<T, E: std::fmt::Display>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => super::GOES_ON.into(),
        Err(error) => format!("error: {error}"),
    }
}

fn pair() -> Result<(UnixStream, Ready)> {
    let (ours, theirs) = UnixStream::pair()?;
    Ok((ours, Ready(Descriptor::from(OwnedFd::from(theirs)))))
}

fn wait(mut socket: UnixStream) -> Result<u32> {
    socket.set_read_timeout(Some(SETUP))?;
    let mut number = [0; 4];
    socket.read_exact(&mut number)?;
    Ok(u32::from_ne_bytes(number))
}
