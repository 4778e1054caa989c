//! What users of Python's multiprocessing complain about, and what is promised here instead.
#![cfg(feature = "pool")]

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, id};

use multiprocess as mp;

fn longest<T: AsRef<str>>(texts: Vec<T>) -> Option<T> {
    texts.into_iter().max_by_key(|text| text.as_ref().len())
}

fn apply(f: mp::Func<(u32,), u32>, n: u32) -> u32 {
    f.call((n,))
}

/// Python cannot pickle a lambda or a local function. Here each function of the program has been
/// made known by the compiler: nested, generic, or without a name.
#[mp::test]
fn a_function_needs_no_registration() {
    fn successor(n: u32) -> u32 {
        n + 1
    }
    let pool = mp::Pool::new(2).unwrap();
    assert_eq!(pool.map(successor, 0..3).unwrap(), [1, 2, 3]);
    assert_eq!(pool.map(|n: u32| n * 2, 0..3).unwrap(), [0, 2, 4]);

    let texts = ["a", "abc", "ab"].map(String::from).to_vec();
    let process = mp::spawn(longest::<String>, (texts,)).unwrap();
    assert_eq!(process.join().unwrap().as_deref(), Some("abc"));

    let chosen_late = [mp::Func::new(successor), mp::Func::new(|n: u32| n * n)];
    let calls = chosen_late.map(|f| (f.unwrap(), 7));
    assert_eq!(pool.starmap(apply, calls).unwrap(), [8, 49]);
}

/// What a closure would capture goes along as an argument, by value.
#[mp::test]
fn captured_values_travel_as_arguments() {
    let prefix = String::from("item ");
    let process = mp::spawn(|n: u32, prefix: String| prefix + &n.to_string(), (1, prefix.clone()));
    assert_eq!(process.unwrap().join().unwrap(), "item 1");

    let pool = mp::Pool::new(2).unwrap();
    let items = (2..4).map(|n| (n, prefix.clone()));
    let named = pool.starmap(|n: u32, prefix: String| prefix + &n.to_string(), items);
    assert_eq!(named.unwrap(), ["item 2", "item 3"]);
    assert_eq!(prefix, "item ");
}

/// In Python such a mistake shows when the program runs.
#[mp::test]
fn a_closure_that_captures_is_refused_by_the_compiler() {
    let compiler = Compiler::new();
    let refused_by = |body: &str| {
        let output = compiler.compile(body);
        assert!(!output.status.success(), "the compiler accepts {body}");
        String::from_utf8(output.stderr).unwrap()
    };
    let captures = "this function captures variables";
    assert!(refused_by("let k = 2; mp::spawn(move |n: u8| n * k, (1,)).ok();").contains(captures));
    assert!(
        refused_by("let k = 2; mp::Pool::new(1).unwrap().map(move |n: u8| n * k, [1]).ok();")
            .contains(captures)
    );
    assert!(refused_by("let f: fn(u8) -> u8 = |n| n; mp::Func::new(f).ok();").contains(captures));
    // A reference into this process would mean nothing in another one.
    assert!(refused_by("let k = 2; mp::spawn(|n: u8| n * k, (1,)).ok();").contains("`k`"));
}

const CORRECT: &str = "
    let k = 2;
    mp::spawn(|n: u8, k: u8| n * k, (1, k)).ok();
    mp::Pool::new(1).unwrap().starmap(|n: u8, k: u8| n * k, [(1, k)]).ok();
    mp::Func::new(|n: u8| n).ok();
";

/// Builds small programs with the library that this test is linked with.
struct Compiler {
    libraries: PathBuf,
    facade: PathBuf,
    /// For the programs and what the compiler writes; it goes away with this value.
    folder: PathBuf,
}

impl Compiler {
    /// Of the builds of the library that lie beside this test, finds one that a correct program
    /// can be built with; so whatever is refused then, is refused for its own fault.
    fn new() -> Self {
        let libraries = env::current_exe().unwrap().parent().unwrap().to_owned();
        let entries = fs::read_dir(&libraries).unwrap().map(|entry| entry.unwrap().path());
        let mut facades: Vec<PathBuf> = entries.filter(|path| is_facade(path)).collect();
        // The newest first.
        facades.sort_by_key(|path| Reverse(fs::metadata(path).and_then(|of| of.modified()).ok()));
        let name = format!("captures-{}", id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut compiler = Self { libraries, facade: PathBuf::new(), folder };
        for facade in facades {
            compiler.facade = facade;
            if compiler.compile(CORRECT).status.success() {
                return compiler;
            }
        }
        panic!("no build of the library in {} can be used", compiler.libraries.display());
    }

    /// Compiles a program down to machine code: `cargo check` would not see what is refused only
    /// when a generic function is instantiated.
    fn compile(&self, body: &str) -> Output {
        let source = self.folder.join("captures.rs");
        let text = format!("use multiprocess as mp; fn main() {{ mp::init(); {body} }}");
        fs::write(&source, text).unwrap();
        let mut command = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()));
        command.args(["--edition=2024", "--crate-type=bin", "--emit=obj"]).arg(&source);
        command.arg("--out-dir").arg(&self.folder);
        command.arg("-L").arg(format!("dependency={}", self.libraries.display()));
        command.arg("--extern").arg(format!("multiprocess={}", self.facade.display()));
        command.output().expect("there is a compiler")
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        // What cannot be removed is only litter.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_facade(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("libmultiprocess-") && name.ends_with(".rlib")
}
