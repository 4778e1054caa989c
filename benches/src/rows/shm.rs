//! Shared memory: to make a little of it, and to hand over a lot.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::os::fd::AsFd;
use std::process;

use anyhow::{Context, Result};
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory, channel};
use memmap2::{MmapOptions, MmapRaw};
use mp_handle::{Descriptor, Parcel, Post, Region};
use mp_shm::{RawArray, SharedMemory};
use rustix::fs::{MemfdFlags, Mode, ftruncate, memfd_create};
use rustix::shm;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::python;
use crate::duo::{
    PATIENCE, Pace, Partner, Places, Sample, Team, Work, alone, apart, memory, micros, python_pair,
    repeat,
};
use crate::row::{Better, Row, Scale, System};

const PAGE: usize = 4096;
const LARGE: usize = 100_000_000;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let pace = Pace::new(scale);
    vec![
        create(pace),
        hand_over(pace, "shm-hand-over-0", "an empty array to a process and back", PAGE),
        hand_over(pace, "shm-hand-over-100m", "the same with an array of 100 MB", LARGE),
    ]
}

fn row(name: &str, about: &str, systems: Vec<System>) -> Row {
    let (name, about) = (name.into(), about.into());
    Row { name, about, unit: "us", better: Better::Lower, ballast: 0, systems }
}

fn create(pace: Pace) -> Row {
    let systems = vec![
        System::new("ours", alone(pace, micros(), || Ok(repeat(use_ours)))),
        System::limit("memfd", alone(pace, micros(), || Ok(repeat(use_memfd)))),
        System::limit("shm_open", alone(pace, micros(), || Ok(repeat(use_named)))),
        python("CPython SharedMemory", "shm.create", [pace.millis(), PAGE], micros()),
    ];
    row("shm-create", "create 4 KiB, map it twice and write there, close", systems)
}

fn use_ours() -> Result<()> {
    let first = SharedMemory::new(PAGE)?;
    let second = SharedMemory::from_descriptor(first.descriptor().clone())?;
    first.write(0, &[1])?;
    let mut byte = [0];
    second.read(0, &mut byte)?;
    black_box(byte);
    Ok(())
}

/// Maps the memory twice and writes to it, as its maker and another process would.
fn map_twice(memory: impl AsFd) -> Result<()> {
    let memory = memory.as_fd();
    let map = || MmapOptions::new().len(PAGE).map_raw(&memory);
    let (first, second): (MmapRaw, MmapRaw) = (map()?, map()?);
    // SAFETY: the mapping has a page, and nobody else has it.
    unsafe { first.as_mut_ptr().write_volatile(1) };
    // SAFETY: the same page, seen a second time; every byte is a valid u8.
    black_box(unsafe { second.as_ptr().read_volatile() });
    Ok(())
}

fn use_memfd() -> Result<()> {
    let memory = memfd_create("mp-bench", MemfdFlags::CLOEXEC)?;
    ftruncate(&memory, PAGE as u64)?;
    map_twice(memory)
}

fn use_named() -> Result<()> {
    let name = format!("/mp-bench-{}", process::id());
    let flags = shm::OFlags::CREATE | shm::OFlags::EXCL | shm::OFlags::RDWR;
    let memory = shm::open(&name, flags, Mode::RUSR | Mode::WUSR)?;
    let used = ftruncate(&memory, PAGE as u64).map_err(Into::into).and_then(|()| map_twice(memory));
    shm::unlink(&name)?;
    used
}

/// The receiver maps the memory, and writes to its beginning and its end; both sides do.
fn hand_over(pace: Pace, name: &str, about: &str, len: usize) -> Row {
    let mut systems = vec![
        System::new("ours", pass::<RawArray<u8>>(pace, len)),
        System::limit("memfd in a packet", pass::<Region>(pace, len)),
        System::new("ipc-channel IpcSharedMemory", pass_shared_memory(pace, len)),
        cpython("CPython SharedMemory", "shm.hand_over", pace, len),
    ];
    if len == LARGE {
        systems.push(cpython("CPython Pipe, copied", "shm.copy_over", pace, len));
    }
    row(name, about, systems)
}

fn cpython(name: &str, what: &'static str, pace: Pace, len: usize) -> System {
    python_pair(name, what, pace, Places::two_cores, [len], micros())
}

/// Bytes that are handed over as a handle.
trait Shared: Serialize + DeserializeOwned + 'static {
    fn make(len: usize) -> Result<Self>;

    /// Writes to the beginning and the end.
    fn touch(&self) -> Result<()>;
}

impl Shared for RawArray<u8> {
    fn make(len: usize) -> Result<Self> {
        Ok(RawArray::zeroed(len)?)
    }

    fn touch(&self) -> Result<()> {
        self.set(0, 1)?;
        Ok(self.set(self.len() - 1, 1)?)
    }
}

impl Shared for Region {
    fn make(len: usize) -> Result<Self> {
        memory(len)
    }

    fn touch(&self) -> Result<()> {
        self.write(0, &[1])?;
        Ok(self.write(self.len() - 1, &[1])?)
    }
}

fn pass<A: Shared>(pace: Pace, len: usize) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let (post, theirs) = Post::pair()?;
        let theirs = Descriptor::from(theirs.as_fd().try_clone_to_owned()?);
        let partner = Partner::process(there, pass_back::<A>, theirs)?;
        let mut array = Some(A::make(len)?);
        let work = repeat(move || {
            post.send(0, &Parcel::encode(&array.take())?)?;
            let (_, parcel) = post.receive_timeout(PATIENCE)?.context("the partner is gone")?;
            array = parcel.decode()?;
            array.as_ref().context("nothing came back")?.touch()
        });
        Ok(Team::pair(partner, work))
    })
}

fn pass_back<A: Shared>(post: Descriptor) -> Result<Work> {
    let post = Post::from(post.into_owned()?);
    Ok(repeat(move || {
        let (_, parcel) = post.receive()?.context("nobody is there")?;
        let array: Option<A> = parcel.decode()?;
        array.as_ref().context("nothing came")?.touch()?;
        Ok(post.send(0, &Parcel::encode(&array)?)?)
    }))
}

type IpcEnds = (IpcSender<IpcSharedMemory>, IpcReceiver<IpcSharedMemory>);

fn pass_shared_memory(pace: Pace, len: usize) -> impl FnOnce() -> Result<Sample> {
    apart(pace, micros(), move |there| {
        let (server, name) = IpcOneShotServer::<IpcEnds>::new()?;
        let partner = Partner::process(there, pass_shared_back, name)?;
        let (_, (sender, receiver)) = server.accept()?;
        let mut array = Some(IpcSharedMemory::from_byte(0, len));
        let work = repeat(move || {
            sender.send(array.take().context("nothing came back")?)?;
            let back = receiver.recv()?;
            look(&back);
            array = Some(back);
            Ok(())
        });
        Ok(Team::pair(partner, work))
    })
}

fn pass_shared_back(server: String) -> Result<Work> {
    let ((sender, theirs), (their_sender, receiver)) = (channel()?, channel()?);
    IpcSender::connect(server)?.send((their_sender, theirs))?;
    Ok(repeat(move || {
        let array: IpcSharedMemory = receiver.recv()?;
        look(&array);
        Ok(sender.send(array)?)
    }))
}

/// This memory is not to be written to once it was sent.
fn look(array: &IpcSharedMemory) {
    black_box((array.first(), array.last()));
}
