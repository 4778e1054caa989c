//! Other processes: whether they live.

use std::fs;
use std::thread;
use std::time::Duration;

/// The state of a process, as a letter; `None` if there is no such process. Whoever takes an
/// orphan up may leave it a zombie, which counts as none.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let state = stat.rsplit_once(") ")?.1.chars().next()?;
    (!matches!(state, 'Z' | 'X')).then_some(state)
}

/// Waits until a process is in this state, or gone.
pub(crate) fn wait_for_state(pid: u32, wanted: Option<char>) {
    while state(pid) != wanted {
        thread::sleep(Duration::from_millis(1));
    }
}
