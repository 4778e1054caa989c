//! What happens without the main guard: an error, and never a storm of processes.
//!
//! A child is this same program, run from its start until it comes to `init`. Were there no guard,
//! the child would run the whole of `main` and start children too, and these as well.

use std::env;

use multiprocess as mp;

fn main() {
    // Nobody has called `init` yet, so that no process can be started.
    let refused = mp::spawn(|| (), ()).expect_err("there is no guard");
    println!("refused: {refused}");
    println!("children: {}", mp::active_children().len());

    // A guard that only the parent passes is of no use to the child: it runs on into the lines
    // below, and its own start is refused.
    if env::var_os("WITHOUT_GUARD").is_none() {
        mp::init();
    }
    let child = match mp::Process::builder().env("WITHOUT_GUARD", "1").spawn(|| (), ()) {
        Ok(child) => child,
        Err(error) => return println!("refused in the child: {error}"),
    };
    let lost = child.join().expect_err("the child has no guard");
    println!("the parent is told: {lost}");
}
