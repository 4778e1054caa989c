//! What is opened while standard streams are closed is not taken for one of them.
//!
//! This closes those of the whole test program, so it is a program of one test.

use std::fs::{OpenOptions, read_link};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use mp_handle::{Bell, Descriptor, Kind, Parcel, Post, Region, clear_of_streams, unnamed};
use rustix::io::{FdFlags, fcntl_getfd};

const NOTE: Kind = Kind::new(1000, "note");

/// The standard output and error of this process, put back in the end.
struct Streams([OwnedFd; 2]);

impl Streams {
    fn save() -> Self {
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        Self([stdout.as_fd(), stderr.as_fd()].map(|fd| fd.try_clone_to_owned().unwrap()))
    }

    fn close() {
        // SAFETY: nobody else in this program uses them meanwhile.
        unsafe {
            libc::close(1);
            libc::close(2);
        }
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        for (stream, number) in self.0.iter().zip(1..) {
            // SAFETY: what is there belongs to nobody.
            unsafe { libc::dup2(stream.as_raw_fd(), number) };
        }
    }
}

/// Opens something while the streams are closed, and sees that it does not take their place, and
/// that nothing else will.
fn assert_clear<T, const N: usize>(open: impl FnOnce() -> T, fds: impl Fn(&T) -> [i32; N]) {
    Streams::close();
    let opened = open();
    let numbers = fds(&opened);
    assert!(numbers.iter().all(|&number| number > 2), "{numbers:?}");
    for stream in [std::io::stdout().as_fd(), std::io::stderr().as_fd()] {
        let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
        assert_eq!(read_link(path).unwrap().to_str(), Some("/dev/null"));
        assert_eq!(fcntl_getfd(stream).unwrap(), FdFlags::empty(), "programs inherit it");
    }
}

#[test]
fn what_is_opened_takes_no_place_of_a_closed_stream() {
    let _streams = Streams::save();
    let name = format!("streams-{}", std::process::id());
    let number = |fd: &dyn AsFd| fd.as_fd().as_raw_fd();
    assert_clear(|| Region::create(NOTE, 0, 64).unwrap(), |region| [number(region.descriptor())]);
    assert_clear(|| Post::pair().unwrap(), |(one, other)| [number(one), number(other)]);
    assert_clear(|| Bell::new().unwrap(), |bell| [number(bell)]);
    assert_clear(|| unnamed("/dev/shm", 0o600).unwrap(), |file| [number(file)]);
    let _named = Region::create_named(&name.as_str().into(), NOTE, 0, 64, |_| ()).unwrap();
    assert_clear(
        || Region::open_named(&name.as_str().into(), NOTE, 0).unwrap(),
        |region| [number(region.descriptor())],
    );
    Region::unlink(&name).unwrap();

    let (ours, theirs) = Post::pair().unwrap();
    let file = || Descriptor::from(OwnedFd::from(std::fs::File::open("/dev/zero").unwrap()));
    ours.send(0, &Parcel::encode(&[file(), file(), file()]).unwrap()).unwrap();
    assert_clear(
        || theirs.try_receive().unwrap().unwrap().1.decode::<[Descriptor; 3]>().unwrap(),
        |arrived| arrived.each_ref().map(|fd| number(fd)),
    );

    let file = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_clear(|| clear_of_streams(file()).unwrap(), |file| [number(file)]);
}
