//! `SystemSemaphore`: one that C and Python use too.

mod common {
    pub(crate) mod watchdog;
}

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::watchdog::watchdog;
use mp_process::spawn;
use mp_sync::{Name, RegionError, SystemSemaphore};

/// A semaphore of a name that is taken away at the end of the test.
struct Own(String);

impl Own {
    fn new(test: &str) -> Own {
        Own(format!("mp-test-{test}-{}", std::process::id()))
    }

    fn path(&self) -> String {
        format!("/dev/shm/sem.{}", self.0)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.path());
    }
}

#[test]
fn smoke() {
    let name = Own::new("smoke");
    let semaphore = SystemSemaphore::create(&name.0, 2).unwrap();
    semaphore.acquire();
    assert!(semaphore.try_acquire() && !semaphore.try_acquire());
    assert!(!semaphore.acquire_timeout(Duration::ZERO));
    semaphore.release().unwrap();
    assert!(semaphore.acquire_timeout(Duration::MAX));
    assert_eq!(semaphore.available(), 0);
    assert_eq!(format!("{semaphore:?}"), "SystemSemaphore { available: 0 }");
}

#[test]
fn a_name_leads_to_the_same_count() {
    let name = Own::new("name");
    let first = SystemSemaphore::open_or_create(&name.0, 3).unwrap();
    let second = SystemSemaphore::open_or_create(&name.0, 9).unwrap();
    first.acquire();
    assert_eq!(second.available(), 2);
    assert!(matches!(SystemSemaphore::create(&name.0, 1), Err(RegionError::Exists { .. })));
    SystemSemaphore::unlink(&name.0).unwrap();
    assert!(matches!(SystemSemaphore::open(&name.0), Err(RegionError::NotFound { .. })));
    assert!(matches!(SystemSemaphore::unlink(&name.0), Err(RegionError::NotFound { .. })));
    // Who has it keeps it.
    second.release().unwrap();
    assert_eq!(first.available(), 3);
}

#[test]
fn what_is_no_semaphore_is_refused() {
    let name = Own::new("refused");
    File::create(name.path()).unwrap().write_all(b"too short").unwrap();
    let error = SystemSemaphore::open(&name.0).unwrap_err();
    assert!(matches!(error, RegionError::Truncated { size: 9 }), "{error}");
    let other = std::os::unix::fs::chown(name.path(), Some(12345), None);
    if other.is_ok() {
        let error = SystemSemaphore::open(&name.0).unwrap_err();
        assert!(matches!(error, RegionError::Owner { found: 12345, .. }), "{error}");
    }
    for wrong in ["", "a/b", "nul\0"] {
        let error = SystemSemaphore::create(wrong, 0).unwrap_err();
        assert!(matches!(error, RegionError::Name { .. }), "{error}");
    }
    assert!(SystemSemaphore::create("mp-test-many", u32::MAX).is_err());
}

#[test]
fn its_permission_bits_are_the_names() {
    let name = Own::new("mode");
    SystemSemaphore::create(Name::new(&name.0).mode(0o666), 0).unwrap();
    let mode = fs::metadata(name.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
}

#[test]
fn no_more_than_the_limit_is_released() {
    let name = Own::new("limit");
    let semaphore = SystemSemaphore::create(&name.0, SystemSemaphore::LIMIT).unwrap();
    assert_eq!(semaphore.release().unwrap_err().limit, SystemSemaphore::LIMIT);
}

#[test]
fn a_wait_ends_at_its_deadline_and_not_before() {
    let _watchdog = watchdog();
    let name = Own::new("deadline");
    let semaphore = SystemSemaphore::create(&name.0, 0).unwrap();
    for timeout in [1, 30, 120].map(Duration::from_millis) {
        let start = Instant::now();
        assert!(!semaphore.acquire_timeout(timeout));
        assert!(start.elapsed() >= timeout);
    }
}

fn release_by_name(name: String) {
    SystemSemaphore::open(name).unwrap().release().unwrap();
}

#[mp_process::test]
fn another_process_releases_it() {
    let _watchdog = watchdog();
    let name = Own::new("process");
    let semaphore = SystemSemaphore::create(&name.0, 0).unwrap();
    let child = spawn(release_by_name, (name.0.clone(),)).unwrap();
    semaphore.acquire();
    child.join().unwrap();
    let waiter = semaphore.clone();
    let waiter = thread::spawn(move || waiter.acquire());
    semaphore.release().unwrap();
    waiter.join().unwrap();
}

/// A Python program that has the semaphore as `sem`, and runs the lines that it is sent.
struct Python {
    child: Child,
    lines: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// `None` if there is no Python that can do it.
    fn start(have_sem: &str) -> Option<Python> {
        let program = format!(
            "import sys\n{have_sem}\nprint('ready', flush=True)\n\
             for line in sys.stdin: print(eval(line), flush=True)"
        );
        let mut command = Command::new("python3");
        command.args(["-c", &program]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().ok()?;
        let (lines, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut python = Python { child, lines, answers };
        (python.answer() == "ready").then_some(python)
    }

    fn send(&mut self, line: &str) {
        writeln!(self.lines, "{line}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.answer()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn pythons_semlock_is_the_same_semaphore() {
    let _watchdog = watchdog();
    let name = Own::new("semlock");
    // Python makes it, as a counting semaphore (1) with one permit, and keeps its name.
    let have_sem = format!(
        "from _multiprocessing import SemLock\nsem = SemLock(1, 1, 1000, '/{}', False)",
        name.0
    );
    let Some(mut python) = Python::start(&have_sem) else {
        return println!("skipped: no python3 with _multiprocessing");
    };
    let semaphore = SystemSemaphore::open(&name.0).unwrap();
    assert_eq!(python.ask("sem.acquire()"), "True");
    assert!(!semaphore.try_acquire());
    assert_eq!(python.ask("sem.release()"), "None");
    semaphore.acquire();
    assert_eq!(python.ask("sem.acquire(False)"), "False");
    // It waits, and we release.
    python.send("sem.acquire()");
    semaphore.release().unwrap();
    assert_eq!(python.answer(), "True");
    // We wait, and it releases.
    python.send("sem.release()");
    semaphore.acquire();
    assert_eq!(python.answer(), "None");
    assert_eq!(python.ask("sem._get_value()"), "0");
}

#[test]
fn a_c_program_opens_ours() {
    let _watchdog = watchdog();
    let name = Own::new("ctypes");
    let semaphore = SystemSemaphore::create(&name.0, 1).unwrap();
    let have_sem = format!(
        "import ctypes\nc = ctypes.CDLL(None)\nc.sem_open.restype = ctypes.c_void_p\n\
         sem = ctypes.c_void_p(c.sem_open(b'/{}', 0))\nassert sem.value",
        name.0
    );
    let Some(mut python) = Python::start(&have_sem) else {
        return println!("skipped: no python3 with ctypes");
    };
    assert_eq!(python.ask("c.sem_wait(sem)"), "0");
    assert_eq!(semaphore.available(), 0);
    assert_eq!(python.ask("c.sem_trywait(sem)"), "-1");
    python.send("c.sem_wait(sem)");
    semaphore.release().unwrap();
    assert_eq!(python.answer(), "0");
    python.send("c.sem_post(sem)");
    semaphore.acquire();
    assert_eq!(python.answer(), "0");
}
