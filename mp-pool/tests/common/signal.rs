//! Signals to the workers of a pool.

/// Sends a signal to a worker of a pool of this process. A pid that is not one of its children
/// any more is left alone.
pub(crate) fn signal(pid: u32, signal: i32) {
    if let Some(worker) = mp_process::active_children().iter().find(|child| child.pid() == pid) {
        worker.send_signal(signal).unwrap();
    }
}
