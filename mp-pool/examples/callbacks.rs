//! Calls that return at once, and tell callbacks what came of them.

use std::time::Duration;
use std::{env, thread};

use mp_pool::{AsyncResult, Pool};

fn square(x: u64, pause: Duration) -> Result<u64, String> {
    thread::sleep(pause);
    match x {
        3 => Err(format!("Invalid input: {x}")),
        x => Ok(x * x),
    }
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pause = env::args().nth(1).map_or(Ok(2000), |millis| millis.parse())?;
    let pool = Pool::new(4)?;
    let submit = |x| {
        pool.task(square)
            .fallible()
            .apply_async((x, Duration::from_millis(pause)))
            .callback(|square| println!("Success: {square}"))
            .error_callback(|error| println!("Error: {}", error.kind))
    };
    let results: Vec<AsyncResult<u64>> = (0..5).map(submit).collect();
    pool.close();
    pool.join()?;
    for (n, result) in results.into_iter().enumerate() {
        match result.get_timeout(Duration::from_secs(1)).map_err(|_| "all are ready")? {
            Ok(square) => println!("Task {n}: {square}"),
            Err(error) => println!("Task {n} failed: {}", error.kind),
        }
    }
    Ok(())
}
