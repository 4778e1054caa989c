//! What is left of a pool that was dropped: nothing, from that moment on. One test alone, as it
//! counts the descriptors of its process.

mod common;

use std::fs;

use common::Watchdog;
use mp_pool::Pool;

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[mp_process::test]
fn a_pool_that_was_dropped_has_no_descriptor_any_more() {
    let _watchdog = Watchdog::new("a_pool_that_was_dropped_has_no_descriptor_any_more");
    let squares = || Pool::new(2).unwrap().map(|n: u32| n * n, 0..4).unwrap();
    // What the first one of all leaves is for all of them.
    assert_eq!(squares(), [0, 1, 4, 9]);
    let before = open_descriptors();
    for _ in 0..200 {
        assert_eq!(squares(), [0, 1, 4, 9]);
        assert_eq!(open_descriptors(), before);
    }
}
