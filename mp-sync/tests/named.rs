//! Names: for programs that share nothing else, and what else may lie under one.

mod common {
    pub(crate) mod fork;
    pub(crate) mod parcel;
    pub(crate) mod watchdog;
}

use std::env;
use std::fs::{self, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::process::Command;
use std::sync::atomic::Ordering;

use common::fork::fork;
use common::parcel::arrive;
use common::watchdog::watchdog;
use mp_handle::{Kind, Parcel, Region};
use mp_process::spawn;
use mp_sync::{Event, Identity, Lock, LockError, Name, RLock, RegionError};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// A name that is taken away at the end of the test.
struct Own(String);

impl Own {
    fn new(name: &str) -> Own {
        Own(format!("named-{name}-{}", std::process::id()))
    }

    fn path(&self) -> String {
        format!("/dev/shm/mp.{}", self.0)
    }

    /// Writes over a part of the header.
    fn spoil(&self, offset: u64, bytes: &[u8]) {
        let file = OpenOptions::new().write(true).open(self.path()).unwrap();
        file.write_all_at(bytes, offset).unwrap();
    }

    fn error(&self) -> RegionError {
        let error = Lock::open(&self.0).unwrap_err();
        let same = Lock::open_or_create(&self.0).unwrap_err();
        assert_eq!(error.to_string(), same.to_string());
        error
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
        let _ = fs::remove_dir(self.path());
    }
}

#[test]
fn smoke() {
    let name = Own::new("smoke");
    assert!(matches!(Lock::open(&name.0), Err(RegionError::NotFound { .. })));
    assert!(matches!(Lock::unlink(&name.0), Err(RegionError::NotFound { .. })));
    let created = Lock::create(&name.0).unwrap();
    assert!(matches!(Lock::create(&name.0), Err(RegionError::Exists { .. })));
    let opened = Lock::open(&name.0).unwrap();
    let third = Lock::open_or_create(&name.0).unwrap();

    let guard = created.lock().unwrap();
    assert!(opened.is_locked() && third.try_lock().unwrap().is_none());
    Lock::unlink(&name.0).unwrap();
    assert!(matches!(Lock::open(&name.0), Err(RegionError::NotFound { .. })));
    // Who has it keeps it; the name is free for another.
    assert!(opened.is_locked());
    let other = Lock::open_or_create(&name.0).unwrap();
    assert!(!other.is_locked());
    drop(guard);
}

#[mp_process::test]
fn a_name_is_all_that_two_processes_share() {
    let _watchdog = watchdog();
    let name = Own::new("shared");
    let lock = RLock::open_or_create(&name.0).unwrap();
    let die = |name: String| std::mem::forget(RLock::open(name).unwrap().lock().unwrap());
    let child = spawn(die, (name.0.clone(),)).unwrap();
    let pid = child.pid();
    child.join().unwrap();
    let Err(LockError::OwnerDied(died)) = lock.lock() else { panic!("nobody died") };
    assert_eq!(died.process(), Some(pid));
}

#[test]
fn an_object_with_a_name_travels() {
    let name = Own::new("travels");
    let lock = Lock::create(&name.0).unwrap();
    let guard = lock.lock().unwrap();
    assert!(arrive(&lock).is_locked());
    drop(guard);
}

#[test]
fn another_type_is_refused_by_name() {
    let name = Own::new("type");
    let _event = Event::create(&name.0).unwrap();
    let error = name.error();
    assert!(matches!(error, RegionError::Kind { .. }));
    assert_eq!(error.to_string(), "expected lock (layout 1), found event (layout 1)");
    let error = RLock::open(&name.0).unwrap_err();
    assert_eq!(error.to_string(), "expected recursive lock (layout 1), found event (layout 1)");
}

#[test]
fn another_type_is_refused_on_arrival() {
    let parcel = Parcel::encode(&Event::new().unwrap()).unwrap();
    let error = parcel.decode::<Lock>().unwrap_err().to_string();
    assert!(error.contains("expected lock") && error.contains("found event"), "{error}");
    let region = Region::create(Kind::new(0x20, "lock"), 0, 100).unwrap();
    let error = Parcel::encode(&region).unwrap().decode::<Lock>().unwrap_err().to_string();
    assert!(error.contains("expected a region, found a file of 100 bytes"), "{error}");
}

#[test]
fn another_version_is_refused() {
    let name = Own::new("version");
    drop(Lock::create(&name.0).unwrap());
    name.spoil(8, &77_u32.to_ne_bytes());
    let error = name.error();
    assert!(matches!(error, RegionError::Layout { .. }));
    assert_eq!(error.to_string(), "expected a region of layout 1, found layout 77");
}

#[test]
fn another_pid_namespace_is_refused() {
    let name = Own::new("namespace");
    drop(Lock::create(&name.0).unwrap());
    name.spoil(16, &12345_u64.to_ne_bytes());
    let error = name.error();
    assert!(matches!(error, RegionError::PidNamespace { .. }));
    assert!(error.to_string().ends_with(", found 12345"), "{error}");

    let lock = Lock::new().unwrap();
    let parcel = Parcel::encode(&lock).unwrap();
    let descriptor = parcel.descriptors()[0].as_fd();
    rustix::io::pwrite(descriptor, &12345_u64.to_ne_bytes(), 16).unwrap();
    let error = parcel.decode::<Lock>().unwrap_err();
    assert!(error.to_string().contains("pid namespace"), "{error}");
}

/// Opens the lock of the other namespace, and looks at a process of its own, which `/proc` knows by
/// another number.
fn visit_from_another_namespace(name: &str) {
    let error = Lock::open(name).unwrap_err();
    assert!(matches!(error, RegionError::PidNamespace { .. }), "{error}");

    let (written, done) = (Event::new().unwrap(), Event::new().unwrap());
    let region = Region::create(Kind::new(1000, "identity"), 0, 64).unwrap();
    let word = region.atomic_u64(0).unwrap();
    let child = fork(|| {
        word.store(Identity::current().to_bits(), Ordering::Release);
        written.set();
        done.wait();
        0
    });
    written.wait();
    let identity = Identity::from_bits(word.load(Ordering::Acquire));
    assert_eq!(identity.pid(), child.pid);
    assert!(!identity.is_dead());
    done.set();
    assert_eq!(child.join(), Some(0));
    assert!(identity.is_dead());
}

/// Needs to make a namespace, which only root may.
#[test]
fn processes_of_another_pid_namespace_are_refused_and_have_identities() {
    let _watchdog = watchdog();
    if let Ok(name) = env::var("MP_OTHER_NAMESPACE") {
        return visit_from_another_namespace(&name);
    }
    let name = Own::new("visited");
    let _lock = Lock::create(&name.0).unwrap();
    let visitor = Command::new("unshare")
        .args(["--pid", "--fork"])
        .arg(env::current_exe().unwrap())
        .args(["processes_of_another_pid_namespace_are_refused_and_have_identities", "--exact"])
        .env("MP_OTHER_NAMESPACE", &name.0)
        .output();
    let Ok(visitor) = visitor else { return };
    let text = String::from_utf8_lossy(&visitor.stdout);
    assert!(visitor.status.success() || !text.contains("running 1 test"), "{text}");
}

#[test]
fn a_truncated_file_is_refused() {
    let name = Own::new("truncated");
    drop(Lock::create(&name.0).unwrap());
    let whole = fs::metadata(name.path()).unwrap().len();
    for size in [whole - 1, whole + 1, whole / 2, 64, 63, 1, 0] {
        OpenOptions::new().write(true).open(name.path()).unwrap().set_len(size).unwrap();
        let error = name.error();
        let is_named = matches!(error, RegionError::Length { .. } | RegionError::Truncated { .. });
        assert!(is_named, "{size}: {error:?}");
        assert!(error.to_string().contains(&format!("a file of {size}")), "{error}");
    }
}

#[test]
fn garbage_is_refused() {
    let name = Own::new("garbage");
    fs::write(name.path(), vec![0xa5; 4096]).unwrap();
    assert!(matches!(name.error(), RegionError::NoHeader));
    fs::write(name.path(), vec![0; 4096]).unwrap();
    let error = name.error();
    assert!(matches!(error, RegionError::NoHeader));
    assert_eq!(error.to_string(), "expected a region, found a file without its header");
}

#[test]
fn what_is_no_file_is_refused() {
    let target = Own::new("target");
    drop(Lock::create(&target.0).unwrap());
    let link = Own::new("link");
    symlink(target.path(), link.path()).unwrap();
    assert!(matches!(link.error(), RegionError::NoHeader));
    let dangling = Own::new("dangling");
    symlink("/nowhere", dangling.path()).unwrap();
    assert!(matches!(dangling.error(), RegionError::NoHeader));

    let folder = Own::new("folder");
    fs::create_dir(folder.path()).unwrap();
    assert!(matches!(folder.error(), RegionError::NoHeader));

    let fifo = Own::new("fifo");
    mknodat(CWD, fifo.path(), FileType::Fifo, Mode::RWXU, 0).unwrap();
    assert!(matches!(fifo.error(), RegionError::NoHeader));

    let socket = Own::new("socket");
    let _listener = std::os::unix::net::UnixListener::bind(socket.path()).unwrap();
    assert!(matches!(socket.error(), RegionError::NoHeader));
}

/// Only root can give a file away.
#[test]
fn another_users_object_is_refused_unless_that_user_is_named() {
    let name = Own::new("owner");
    drop(Lock::create(&name.0).unwrap());
    if chown(name.path(), Some(12345), None).is_err() {
        return;
    }
    let error = name.error();
    assert!(matches!(error, RegionError::Owner { found: 12345, .. }));
    let us = rustix::process::geteuid().as_raw();
    let sides = format!("to belong to user {us}, it belongs to 12345");
    assert!(error.to_string().ends_with(&sides), "{error}");

    let lock = Lock::open(Name::new(&name.0).owner(12345)).unwrap();
    drop(lock.lock().unwrap());
    assert!(Lock::open(Name::new(&name.0).owner(54321)).is_err());
}

#[test]
fn who_may_open_it_is_said_when_it_is_created() {
    let mode = |name: &Own| fs::metadata(name.path()).unwrap().permissions().mode() & 0o777;
    let private = Own::new("private");
    drop(Lock::create(&private.0).unwrap());
    assert_eq!(mode(&private), 0o600);
    let shared = Own::new("shared-mode");
    drop(Lock::create(Name::new(&shared.0).mode(0o666)).unwrap());
    assert_eq!(mode(&shared), 0o666);
}

#[test]
fn all_names_are_listed() {
    let names = ["list-b", "list-a"].map(Own::new);
    let (_lock, _event) = (Lock::create(&names[0].0).unwrap(), Event::create(&names[1].0).unwrap());
    let garbage = Own::new("list-c");
    fs::write(garbage.path(), b"x").unwrap();
    let all = Region::named().unwrap();
    assert!(all.is_sorted_by_key(|region| &region.name));
    let kind = |own: &Own| {
        let found = all.iter().find(|region| region.name == own.0).unwrap();
        assert_eq!(found.owner, rustix::process::geteuid().as_raw());
        found.kind.map(|kind| kind.to_string())
    };
    assert_eq!(kind(&names[0]).unwrap(), "lock");
    assert_eq!(kind(&names[1]).unwrap(), "event");
    assert_eq!(kind(&garbage), None);
}

#[test]
fn what_cannot_be_a_name_is_refused() {
    let long = "x".repeat(201);
    for name in ["", "a/b", "../etc", "a\0b", &long] {
        for error in [Lock::create(name), Lock::open(name), Lock::open_or_create(name)] {
            assert!(matches!(error, Err(RegionError::Name { .. })), "{name:?}");
        }
        assert!(matches!(Lock::unlink(name), Err(RegionError::Name { .. })));
    }
}
