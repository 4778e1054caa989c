//! One standard stream of one worker: what was read of it, and what is to be written.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mp_handle::SLICE;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// How much a pipe holds, unless somebody changed that; and the longest line that is not cut.
const PIPE: usize = 64 << 10;
/// What a write to a pipe leaves in one piece, whoever else writes to it.
const ATOMIC: usize = 4096;
/// How much of the end is kept.
const TAIL: usize = 16 << 10;

/// Which stream of this process it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stdout,
    Stderr,
}

/// A standard stream of a worker.
pub(crate) struct Stream {
    pipe: OwnedFd,
    target: Target,
    /// Stands before each line.
    prefix: String,
    /// Not locked while anybody writes.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What was read and not written yet.
    text: Vec<u8>,
    /// The last bytes of all that was read, and at times more of them.
    tail: Vec<u8>,
    /// There is no writer any more.
    ended: bool,
}

impl Stream {
    pub(super) fn new(pipe: OwnedFd, target: Target, prefix: String) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe, target, prefix, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether all of it was read and taken.
    pub(super) fn is_over(&self) -> bool {
        let state = self.state();
        state.ended && state.text.is_empty()
    }

    /// Writes the whole lines that are there, and counts the pieces. `text` is a buffer to be
    /// reused.
    pub(super) fn forward(&self, text: &mut Vec<u8>, written: &AtomicU64) {
        text.clear();
        {
            let mut state = self.state();
            state.read(self.pipe.as_fd());
            state.take_lines(&self.prefix, text);
        }
        match self.target {
            Target::Stdout => write(io::stdout().as_fd(), text, written),
            Target::Stderr => write(io::stderr().as_fd(), text, written),
        }
    }

    /// Reads what is there, and gives the end of all that was read: lines of a few kilobytes.
    pub(crate) fn tail(&self) -> String {
        let mut state = self.state();
        state.read(self.pipe.as_fd());
        String::from_utf8_lossy(last_lines(&state.tail)).into_owned()
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl State {
    /// Reads what is in the pipe, once all that it holds.
    fn read(&mut self, pipe: BorrowedFd<'_>) {
        let mut most = PIPE;
        while most > 0 && !self.ended {
            let start = self.text.len();
            self.text.reserve(most);
            match rustix::io::read(pipe, spare_capacity(&mut self.text)) {
                Ok(0) => self.ended = true,
                Ok(count) => most = most.saturating_sub(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // Of a pipe of our own that is not to be had.
                Err(_) => self.ended = true,
            }
            self.tail.extend_from_slice(&self.text[start..]);
            if self.tail.len() > 2 * TAIL {
                let kept = last_lines(&self.tail).len();
                self.tail.drain(..self.tail.len() - kept);
            }
        }
    }

    /// Moves whole lines to `out`; of a stream that has ended, all.
    fn take_lines(&mut self, prefix: &str, out: &mut Vec<u8>) {
        let cut = self.ended || self.text.len() >= PIPE;
        let whole = self.text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let end = if cut && whole == 0 || self.ended { self.text.len() } else { whole };
        let rest = self.text.split_off(end);
        for line in mem::replace(&mut self.text, rest).split_inclusive(|&byte| byte == b'\n') {
            out.extend_from_slice(prefix.as_bytes());
            out.extend_from_slice(line);
        }
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
}

/// The end of `text`, from the beginning of a line, if there is one.
fn last_lines(text: &[u8]) -> &[u8] {
    if text.len() <= TAIL {
        return text;
    }
    let tail = &text[text.len() - TAIL..];
    let cut = tail.iter().position(|&byte| byte == b'\n');
    cut.map_or(tail, |end| &tail[end + 1..])
}

/// Writes lines, in pieces that end with a line and arrive whole. If they are not to be written,
/// nobody wants them.
fn write(stream: BorrowedFd<'_>, mut lines: &[u8], written: &AtomicU64) {
    while !lines.is_empty() {
        let most = lines.len().min(ATOMIC);
        let whole = lines[..most].iter().rposition(|&byte| byte == b'\n');
        let piece = &lines[..whole.map_or(most, |at| at + 1)];
        match rustix::io::write(stream, piece) {
            Ok(count) => {
                written.fetch_add(1, Ordering::Relaxed);
                lines = &lines[count..];
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait_writable(stream),
            Err(_) => return,
        }
    }
}

fn wait_writable(stream: BorrowedFd<'_>) {
    let slice = Timespec { tv_sec: 0, tv_nsec: SLICE.subsec_nanos().into() };
    // Whatever it says, the caller looks again.
    let _ =
        rustix::event::poll(&mut [PollFd::from_borrowed_fd(stream, PollFlags::OUT)], Some(&slice));
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{Stream, TAIL, Target};

    fn stream(prefix: &str) -> (Stream, std::io::PipeWriter) {
        let (reader, writer) = std::io::pipe().unwrap();
        (Stream::new(reader.into(), Target::Stdout, prefix.into()).unwrap(), writer)
    }

    fn lines(stream: &Stream) -> String {
        let mut out = Vec::new();
        let mut state = stream.state();
        state.read(std::os::fd::AsFd::as_fd(stream));
        state.take_lines(&stream.prefix, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn half_a_line_waits_for_its_end() {
        let (stream, mut writer) = stream("");
        writer.write_all(b"one\ntwo\nthr").unwrap();
        assert_eq!(lines(&stream), "one\ntwo\n");
        assert_eq!(lines(&stream), "");
        writer.write_all(b"ee\nfo").unwrap();
        assert_eq!(lines(&stream), "three\n");
        drop(writer);
        assert_eq!(lines(&stream), "fo\n", "the end is an end of line");
        assert!(stream.is_over());
    }

    #[test]
    fn each_line_bears_the_name() {
        let (stream, mut writer) = stream("w1: ");
        writer.write_all(b"one\n\ntwo\n").unwrap();
        assert_eq!(lines(&stream), "w1: one\nw1: \nw1: two\n");
    }

    #[test]
    fn a_line_without_end_is_cut_and_needs_bounded_memory() {
        let (stream, mut writer) = stream("");
        let mut taken = String::new();
        for _ in 0..40 {
            writer.write_all(&[b'x'; 8 << 10]).unwrap();
            taken += &lines(&stream);
            assert!(stream.state().text.len() <= 128 << 10);
        }
        assert!(taken.len() > 128 << 10 && taken.contains("x\nx"), "{}", taken.len());
    }

    #[test]
    fn the_tail_is_the_last_lines_whoever_took_them() {
        let (stream, mut writer) = stream("");
        for n in 0..2000 {
            writeln!(writer, "line {n}").unwrap();
            if n % 100 == 0 {
                lines(&stream);
            }
        }
        let tail = stream.tail();
        assert!(tail.starts_with("line ") && tail.ends_with("line 1999\n"), "{tail}");
        assert!(tail.len() <= TAIL && tail.len() > TAIL / 2);
        assert!(lines(&stream).ends_with("line 1999\n"), "read is not yet written");
    }
}
