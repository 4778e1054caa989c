//! Programs that are built otherwise than tests are: with `panic = "abort"`, linked statically, as
//! a shared library, and as the unit tests of a library.
//!
//! They are built into a directory of their own below `target`, which is kept for the next time.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod watchdog;
}

use std::env;
use std::ffi::{CStr, CString, c_char};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::watchdog::watchdog;
use rustix::fs::FlockOperation;

const HERE: &str = env!("CARGO_MANIFEST_DIR");
const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/builds");

/// How a package of a program, or a library, is built.
struct Build {
    /// The directory of the package, and the name of the program.
    name: &'static str,
    panic: &'static str,
    rust_flags: &'static str,
}

impl Build {
    /// Writes the package. Its dependencies are locked as those of the workspace are.
    fn write(&self) -> PathBuf {
        let Self { name, panic, .. } = self;
        let manifest = format!(
            r#"
            [workspace]
            [package]
            name = "{name}"
            version = "0.0.0"
            edition = "2024"
            [lib]
            name = "plugin"
            path = "{HERE}/tests/fixtures/plugin.rs"
            crate-type = ["cdylib"]
            [[bin]]
            name = "{name}"
            path = "{HERE}/tests/fixtures/program.rs"
            [dependencies]
            mp-process = {{ path = "{HERE}" }}
            [profile.dev]
            panic = "{panic}"
            debug = false
            "#
        );
        let package = Path::new(TARGET).join("packages").join(name);
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        fs::copy(Path::new(HERE).join("../Cargo.lock"), package.join("Cargo.lock")).unwrap();
        package
    }

    /// Runs cargo, as the only one who does. With a target, it does not build macros as it builds
    /// the program.
    fn cargo(&self, _alone: &File, command: &[&str]) -> Output {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(command).args(["--quiet", "--target", &target()]);
        cargo.args(["--target-dir", TARGET]).current_dir(self.write());
        cargo.env("RUSTFLAGS", self.rust_flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Builds one of the two, and returns where it is.
    fn build(&self, what: &str, file: &str) -> PathBuf {
        self.cargo(&lock(), &["build", what]);
        Path::new(TARGET).join(target()).join("debug").join(file)
    }
}

/// Waits until no other test builds, in this process or another. It ends with the file.
fn lock() -> File {
    fs::create_dir_all(TARGET).unwrap();
    let file = File::create(Path::new(TARGET).join("lock")).unwrap();
    rustix::fs::flock(&file, FlockOperation::LockExclusive).unwrap();
    file
}

/// The program, the tests, and cargo itself are for one and the same machine.
fn target() -> String {
    format!("{}-unknown-linux-gnu", env::consts::ARCH)
}

/// Runs the program in a role, and returns the lines that it prints.
fn lines_of(program: &Path, role: &str) -> Vec<String> {
    let output = Command::new(program).arg(role).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[mp_process::test]
fn a_panic_that_aborts_comes_with_message_and_place() {
    let build = Build { name: "aborting", panic: "abort", rust_flags: "" };
    let program = build.build("--bins", build.name);
    let _watchdog = watchdog();
    let lines = lines_of(&program, "panic");
    assert_eq!(lines[..2], ["was killed by signal 6 (SIGABRT)", "number 7 failed"]);
    assert!(lines[2].ends_with("/tests/fixtures/program.rs:10:5"), "{}", lines[2]);
}

#[mp_process::test]
fn a_static_program_starts_processes() {
    let rust_flags = "-C target-feature=+crt-static";
    let build = Build { name: "static", panic: "unwind", rust_flags };
    let program = build.build("--bins", build.name);
    let _watchdog = watchdog();
    assert_eq!(lines_of(&program, "start"), ["42", "0"]);
}

/// Opens a library, calls a function in it, and returns the text that this returns.
fn call_plugin(path: &Path, function: &CStr) -> String {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the library stays open, and the function in it has this type, and returns a string
    // that nobody frees.
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        assert!(!library.is_null(), "{:?}", CStr::from_ptr(libc::dlerror()));
        let function = libc::dlsym(library, function.as_ptr());
        assert!(!function.is_null());
        let function: extern "C" fn() -> *const c_char = std::mem::transmute(function);
        CStr::from_ptr(function()).to_str().unwrap().to_owned()
    }
}

#[mp_process::test]
fn a_function_of_a_shared_library_is_refused() {
    let build = Build { name: "plugin", panic: "unwind", rust_flags: "" };
    let library = build.build("--lib", "libplugin.so");
    let _watchdog = watchdog();
    let said = call_plugin(&library, c"start_own_function");
    let expected = format!(
        "the function is in {}, not in the program itself: call it from a function of the program",
        library.display()
    );
    assert_eq!(said, expected);
}

#[mp_process::test]
fn the_unit_tests_of_a_library_start_processes() {
    let build = Build { name: "plugin", panic: "unwind", rust_flags: "" };
    // Kept, lest the watchdog looks on while others build.
    let alone = lock();
    build.cargo(&alone, &["test", "--lib", "--no-run"]);
    let _watchdog = watchdog();
    let output = build.cargo(&alone, &["test", "--lib"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("test result: ok. 1 passed; 0 failed;"), "{said}");
}
