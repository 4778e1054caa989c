//! A picture of a run: which worker did what, who died, and who waited.
//!
//! Writes `run.html` and `run.json` (for <https://ui.perfetto.dev>) to a directory.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, process, thread};

use mp_pool::Pool;

/// Tasks of uneven length. One fails, and one takes its worker with it.
fn work(n: u64) -> u64 {
    thread::sleep(Duration::from_micros(2000 + n * 7919 % 13 * 1500));
    match n {
        17 => panic!("task 17 has no result"),
        29 => process::abort(),
        n => n,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    mp_process::init();
    let directory = env::args_os().nth(1).map_or_else(env::temp_dir, PathBuf::from);
    let pool = Pool::builder().workers(4).insights(true).build()?;
    pool.task(work).chunk_size(2).try_map(0..60);
    pool.close();
    pool.join()?;
    let timeline = pool.timeline();
    timeline.write_html(directory.join("run.html"))?;
    timeline.write_trace(directory.join("run.json"))?;
    let figures = pool.statistics();
    println!("{} finished, {} failed, {} lost", figures.finished, figures.failed, figures.lost);
    Ok(())
}
