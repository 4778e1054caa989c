//! The system calls that rustix does not have, each behind a safe function.
#![allow(unsafe_code)]

mod clone;
mod forked;
mod note;

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::process::Pid;

pub(crate) use clone::Cloner;
pub(crate) use forked::{
    block_signals, change_environment, exit_at_once, flush_streams, own_number, replace,
    set_environment, unblock_signals,
};
pub(crate) use note::linked_build_id;

/// Turns the error number that the posix_spawn family returns into an error.
fn cvt(errno: c_int) -> io::Result<()> {
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

/// The running image itself, whatever has happened to its file since.
const SELF: &CStr = c"/proc/self/exe";

/// What a child has as one of its descriptors.
#[derive(Debug)]
pub(crate) enum Source {
    /// What the parent has at the same number.
    Parent,
    /// `/dev/null`.
    Null,
    /// This one, whose number is beyond those that are given away.
    Descriptor(OwnedFd),
}

/// Starts another process of the running image, by `posix_spawn`: no page of the parent is
/// copied, so that its size does not matter. The child has `descriptors` as its first ones, and
/// no other.
pub(crate) fn spawn_self(
    argv: &[CString],
    environment: &[CString],
    descriptors: &[Source],
) -> io::Result<Pid> {
    let actions = FileActions::new(descriptors)?;
    let attributes = Attributes::new()?;
    let argv = pointers(argv);
    let environment = pointers(environment);
    let mut pid = 0;
    // SAFETY: both arrays end with a null pointer and point to strings that outlive the call;
    // actions and attributes are initialised.
    cvt(unsafe {
        libc::posix_spawn(
            &mut pid,
            SELF.as_ptr(),
            &actions.0,
            &attributes.0,
            argv.as_ptr(),
            environment.as_ptr(),
        )
    })?;
    Pid::from_raw(pid).ok_or_else(|| io::Error::other("posix_spawn gave no process id"))
}

fn pointers(strings: &[CString]) -> Vec<*mut c_char> {
    strings.iter().map(|s| s.as_ptr().cast_mut()).chain([ptr::null_mut()]).collect()
}

struct FileActions(libc::posix_spawn_file_actions_t);

impl FileActions {
    fn new(descriptors: &[Source]) -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: init writes the whole object, which lives in this value from then on.
        let mut actions = unsafe {
            cvt(libc::posix_spawn_file_actions_init(raw.as_mut_ptr()))?;
            Self(raw.assume_init())
        };
        for (number, source) in (0..).zip(descriptors) {
            // SAFETY: the object is initialised; it copies the path. What is put in place has no
            // CLOEXEC flag, but in the child alone: no other child of this process gets it.
            cvt(unsafe {
                let actions = &mut actions.0;
                match source {
                    Source::Parent => 0,
                    Source::Null => {
                        let (path, flags) = (c"/dev/null".as_ptr(), libc::O_RDWR);
                        libc::posix_spawn_file_actions_addopen(actions, number, path, flags, 0)
                    }
                    Source::Descriptor(fd) => {
                        libc::posix_spawn_file_actions_adddup2(actions, fd.as_raw_fd(), number)
                    }
                }
            })?;
        }
        // SAFETY: the object is initialised.
        cvt(unsafe {
            let first = descriptors.len() as c_int;
            libc::posix_spawn_file_actions_addclosefrom_np(&mut actions.0, first)
        })?;
        Ok(actions)
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, and not used after this.
        unsafe { libc::posix_spawn_file_actions_destroy(&mut self.0) };
    }
}

struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    /// No signal is blocked in the child, and those that parents like to ignore (SIGPIPE, as
    /// every Rust program does, and SIGCHLD) are as in a program started by a shell.
    fn new() -> io::Result<Self> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: init writes the whole object, which lives in this value from then on.
        let mut attributes = unsafe {
            cvt(libc::posix_spawnattr_init(raw.as_mut_ptr()))?;
            Self(raw.assume_init())
        };
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset initialises the set; the others only read it, and change the
        // initialised attributes.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            cvt(libc::posix_spawnattr_setsigmask(&mut attributes.0, set.as_ptr()))?;
            libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
            cvt(libc::posix_spawnattr_setsigdefault(&mut attributes.0, set.as_ptr()))?;
            let flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
            cvt(libc::posix_spawnattr_setflags(&mut attributes.0, flags as _))?;
        }
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, and not used after this.
        unsafe { libc::posix_spawnattr_destroy(&mut self.0) };
    }
}

/// Lets the kernel kill process `pid` as soon as nobody has the other end of `socket` any more.
/// No thread takes part, and unlike prctl's parent-death signal it does not fire when only the
/// thread that started the process ends.
///
/// This belongs to the socket as all who have this end see it, so a parent can do it for a child.
pub(crate) fn die_with_peer(socket: BorrowedFd<'_>, pid: Pid) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    // SAFETY: fcntl with integer arguments on an open descriptor.
    let failed = unsafe {
        libc::fcntl(fd, libc::F_SETOWN, pid.as_raw_pid()) < 0
            || libc::fcntl(fd, F_SETSIG, libc::SIGKILL) < 0
            || libc::fcntl(fd, libc::F_SETFL, libc::O_RDWR | libc::O_ASYNC) < 0
    };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `F_SETSIG` of <fcntl.h>, the same on every architecture of Linux.
const F_SETSIG: c_int = 10;

/// Sends a signal to the process behind a pidfd; never to another one that got the same number.
pub(crate) fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let info = ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo is allowed, and stands for that of kill(2).
    let result =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, 0) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Runs `handler` when this process exits in the ordinary way.
pub(crate) fn at_exit(handler: extern "C" fn()) -> io::Result<()> {
    // SAFETY: a function of this program may be called until its end.
    let result = unsafe { libc::atexit(handler) };
    if result == 0 { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
}

/// Takes the mark of a child out of the environment.
pub(crate) fn remove_variable(name: &str) {
    // SAFETY: `init` is documented to run before the program starts threads; libtest's own main
    // thread does not touch the environment while a test runs.
    unsafe { std::env::remove_var(name) };
}

/// Takes possession of a descriptor that the parent put at a known number.
///
/// Returns `None` if nothing is open there.
pub(crate) fn adopt(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: F_SETFD on any number is harmless; if it succeeds the number is an open
    // descriptor that the parent put there for this one caller.
    unsafe {
        (libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) == 0)
            .then(|| OwnedFd::from_raw_fd(number))
    }
}

/// A loaded object: the program itself or a shared library.
#[derive(Debug)]
pub(crate) struct LoadedObject {
    pub(crate) name: String,
    pub(crate) base: usize,
    /// Where its code is.
    pub(crate) code: Vec<Range<usize>>,
}

/// Lists what is loaded, up to `most` objects; the program itself comes first.
pub(crate) fn loaded_objects(most: usize) -> Vec<LoadedObject> {
    unsafe extern "C" fn note(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        list: *mut libc::c_void,
    ) -> c_int {
        // SAFETY: dl_iterate_phdr passes a valid info, and our own pointer to the list.
        let (info, (most, list)) =
            unsafe { (&*info, &mut *list.cast::<(usize, Vec<LoadedObject>)>()) };
        let name = if info.dlpi_name.is_null() {
            String::new()
        } else {
            // SAFETY: a name that is not null is a C string.
            unsafe { CStr::from_ptr(info.dlpi_name) }.to_string_lossy().into_owned()
        };
        // SAFETY: dlpi_phdr points to dlpi_phnum program headers.
        let headers =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let base = info.dlpi_addr as usize;
        let code = (headers.iter())
            .filter(|h| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_X != 0)
            .map(|h| {
                let start = base + h.p_vaddr as usize;
                start..start + h.p_memsz as usize
            })
            .collect();
        list.push(LoadedObject { name, base, code });
        // To look at one more costs a fresh process a page or two.
        c_int::from(list.len() == *most)
    }
    let mut list = (most, Vec::new());
    // SAFETY: the callback gets the list that this frame owns, and nothing unwinds from it.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut list).cast()) };
    list.1
}
