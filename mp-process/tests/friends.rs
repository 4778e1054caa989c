//! Functions that travel between families of processes: those of the same build and the same secret
//! call them, and nobody else does.

mod common {
    pub(crate) mod scratch;
    pub(crate) mod watchdog;
}

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use common::scratch::Scratch;
use common::watchdog::watchdog;
use mp_handle::Parcel;
use mp_process::{BuildId, Func, befriend};

const SECRET: u128 = 0x0123_4567_89ab_cdef;

/// A child that another test starts has what is open here for a moment; and a file that somebody
/// could write to is not executed.
static TURN: Mutex<()> = Mutex::new(());

fn double(n: u32) -> u32 {
    2 * n
}

/// What a program that is no relative makes of the function which it finds in its environment, with
/// the secret that is there too.
#[test]
#[ignore = "the program that is no relative"]
fn stranger() {
    let Ok(letter) = env::var("LETTER") else { return };
    let secret: u128 = env::var("SECRET").unwrap().parse().unwrap();
    if secret != 0 {
        befriend(secret).unwrap();
    }
    let bytes = letter.split(',').map(|byte| byte.parse().unwrap()).collect();
    let decoded = Parcel::from_parts(bytes, Vec::new()).decode::<Func<(u32,), u32>>();
    match decoded {
        Ok(function) => println!("it says {}", function.call((21,))),
        Err(error) => println!("it says {error}"),
    }
}

fn tell(program: &Path, letter: &Parcel, secret: u128) -> String {
    let bytes: Vec<String> = letter.bytes().iter().map(u8::to_string).collect();
    let output = Command::new(program)
        .args(["stranger", "--exact", "--ignored", "--nocapture"])
        .env("LETTER", bytes.join(","))
        .env("SECRET", secret.to_string())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let said = stdout.lines().find_map(|line| line.split_once("it says "));
    said.unwrap_or_else(|| panic!("it said nothing: {stdout}")).1.to_owned()
}

/// A copy of this program that claims to be another build: with one bit of its identity changed.
fn other_build(scratch: &Scratch) -> std::path::PathBuf {
    let mut image = fs::read("/proc/self/exe").unwrap();
    let own = BuildId::current().unwrap().bytes();
    let at = image.windows(own.len()).position(|bytes| bytes == own).expect("the note is there");
    image[at] ^= 1;
    let path = scratch.path().join("other");
    fs::write(&path, image).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn only_friends_call_a_function_that_has_come_from_another_family() {
    let _watchdog = watchdog();
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    befriend(SECRET).unwrap();
    let letter = Parcel::encode(&Func::new(double).unwrap()).unwrap();
    let own = env::current_exe().unwrap();
    assert_eq!(tell(&own, &letter, SECRET), "42");
    for secret in [0, SECRET + 1] {
        assert!(tell(&own, &letter, secret).contains("another type or family of processes"));
    }
    let scratch = Scratch::new("friends");
    let other = other_build(&scratch);
    assert!(tell(&other, &letter, SECRET).contains("another build of this program"));
    let other_type = Parcel::encode(&Func::new(|text: String| text.len() as u32).unwrap()).unwrap();
    assert!(tell(&own, &other_type, SECRET).contains("another type or family"));
}

#[mp_process::test]
fn a_child_has_the_friends_of_its_parent() {
    let _watchdog = watchdog();
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    befriend(SECRET).unwrap();
    let again = mp_process::spawn(|| befriend(SECRET).is_ok() && befriend(1).is_err(), ());
    assert!(again.unwrap().join().unwrap());
}
