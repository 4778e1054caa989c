//! A child that lives until it is stopped.

use std::io::{self, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::thread;

use mp_handle::Descriptor;
use mp_process::{Builder, Process};

/// Tells over a pipe that it runs, and stays.
fn linger(ready: Descriptor) {
    // Who runs the tests in the background may ignore it, which children inherit.
    // SAFETY: the default action is no code of ours.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
    PipeWriter::from(ready.into_owned().unwrap()).write_all(b".").unwrap();
    loop {
        thread::park();
    }
}

/// Starts a child that lingers, and returns when its function runs. It is a daemon, lest a test
/// that fails waits for it.
pub(crate) fn lingering(builder: Builder) -> Process<()> {
    let (mut reader, writer) = io::pipe().unwrap();
    let process =
        builder.daemon(true).spawn(linger, (Descriptor::from(OwnedFd::from(writer)),)).unwrap();
    reader.read_exact(&mut [0]).unwrap();
    process
}
