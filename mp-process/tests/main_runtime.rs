//! `#[mp_process::main]` together with `#[tokio::main]`.

mod common {
    pub(crate) mod harness;
    pub(crate) mod watchdog;
}

use mp_process::spawn;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

#[mp_process::main]
#[tokio::main]
async fn main() {
    common::harness::run(&[("children_are_without_a_runtime", children_are_without_a_runtime)]);
}

fn children_are_without_a_runtime() {
    assert!(Handle::try_current().is_ok());
    let process = spawn(|| Handle::try_current().is_err(), ()).unwrap();
    assert!(block_in_place(|| process.join().unwrap()));
}
