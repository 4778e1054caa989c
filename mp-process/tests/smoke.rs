//! smoke
use mp_process::{spawn, Process, Failure};

fn add(a: u32, b: u32) -> u32 { a + b }

fn leave() { std::process::exit(3) }
fn oh() { panic!("oh {}", 1) }
#[mp_process::test]
fn smoke() {
    assert_eq!(spawn(add, (1, 2)).unwrap().join().unwrap(), 3);
    let p = spawn(leave, ()).unwrap();
    assert_eq!(*p.join().unwrap_err().failure(), Failure::Exited(3));
    let e = spawn(oh, ()).unwrap().join().unwrap_err();
    println!("{e}");
    let _ = Process::builder();
}
