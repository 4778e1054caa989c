//! What a forked child must forget of its parent.

use std::sync::Once;

use super::{process, robust_list};

/// Sees to it that children forked from now on forget who their parent was.
pub(super) fn forget_at_fork() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| mp_handle::on_fork(forget_parent));
}

fn forget_parent() {
    process::forget();
    robust_list::forget();
}
